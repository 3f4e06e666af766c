-- A sample of the audited contents by hash, with how many requests each stands for.
SELECT c.content_hash, c.template_id, c.requests, c.contents, p.profile, e.vector
FROM (
    SELECT
        r.content_hash,
        min(r.template_id) AS template_id,
        count(*) AS requests,
        count(*) OVER () AS contents
    FROM requests r
    JOIN audited USING (request_id)
    GROUP BY r.content_hash
    ORDER BY md5(r.content_hash)
    LIMIT $points
) c
JOIN embeddings e ON e.content_hash = c.content_hash AND e.encoder = $encoder
LEFT JOIN predictions p ON p.content_hash = c.content_hash AND p.classifier = $classifier
ORDER BY c.content_hash;
