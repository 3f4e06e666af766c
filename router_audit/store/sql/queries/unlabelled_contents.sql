SELECT c.content_hash, t.system, r.messages, t.tools, t.response_format
FROM contents c
JOIN requests r USING (request_id)
JOIN templates t USING (template_id)
WHERE NOT EXISTS (
    FROM labels l
    WHERE l.content_hash = c.content_hash
        AND l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
);
