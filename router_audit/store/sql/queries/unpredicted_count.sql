-- Contents of the audited requests that a classifier could judge and has not.
SELECT count(*) AS contents
FROM contents c
JOIN embeddings e ON e.content_hash = c.content_hash AND e.encoder = $encoder
WHERE NOT EXISTS (FROM predictions p WHERE p.content_hash = c.content_hash AND p.classifier = $classifier);
