-- The distinct contents of the audit with what the selection needs: weight, template, a verdict and its doubt.
SELECT
    c.content_hash,
    c.requests,
    r.template_id,
    l.profile AS stratum,
    CASE WHEN l.profile IS NULL THEN 1.0 ELSE 1.0 - l.probability END AS uncertainty,
    e.vector
FROM contents c
JOIN requests r USING (request_id)
LEFT JOIN labels l ON l.content_hash = c.content_hash
    AND l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
LEFT JOIN embeddings e ON e.content_hash = c.content_hash AND e.encoder = $encoder
ORDER BY c.content_hash;
