SELECT count(DISTINCT r.content_hash) AS contents
FROM requests r
JOIN audited USING (request_id)
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
WHERE p.profile IS NULL;
