-- Requests of the audit by what the older and the newer classifier say of their content.
SELECT
    COALESCE(a.profile, 'abstained') AS was,
    COALESCE(b.profile, 'abstained') AS now,
    sum(c.requests)::BIGINT AS requests
FROM contents c
JOIN predictions a ON a.content_hash = c.content_hash AND a.classifier = $older
JOIN predictions b ON b.content_hash = c.content_hash AND b.classifier = $newer
GROUP BY ALL
ORDER BY requests DESC, was, now;
