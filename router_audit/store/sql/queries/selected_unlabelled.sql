-- The selected contents that this labeller has not judged, in order of use.
SELECT c.content_hash, c.requests, t.system, r.messages, t.tools, t.response_format, s.stratum
FROM selections s
JOIN contents c USING (content_hash)
JOIN requests r USING (request_id)
JOIN templates t USING (template_id)
WHERE NOT EXISTS (
    FROM labels l
    WHERE l.content_hash = c.content_hash
        AND l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
)
ORDER BY s.position;
