-- `vector`: what an earlier run kept of this content under the encoder; NULL where there was none.
SELECT c.content_hash, t.system, r.messages, t.tools, t.response_format, e.vector
FROM contents c
JOIN requests r USING (request_id)
JOIN templates t USING (template_id)
LEFT JOIN embeddings e ON e.content_hash = c.content_hash AND e.encoder = $encoder
WHERE NOT EXISTS (
    FROM labels l
    WHERE l.content_hash = c.content_hash
        AND l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
);
