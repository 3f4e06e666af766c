-- One row per labelled content: the newest word of a human wins over any labeller's.
SELECT c.content_hash, r.template_id, c.requests, e.vector, COALESCE(h.profile, l.profile) AS profile
FROM contents c
JOIN requests r USING (request_id)
JOIN embeddings e ON e.content_hash = c.content_hash AND e.encoder = $encoder
LEFT JOIN labels l ON l.content_hash = c.content_hash
    AND l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
LEFT JOIN labels h ON h.content_hash = c.content_hash AND h.labeller = 'human'
WHERE COALESCE(h.profile, l.profile) IS NOT NULL
ORDER BY c.content_hash;
