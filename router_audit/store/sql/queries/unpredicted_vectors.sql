SELECT c.content_hash, e.vector
FROM contents c
JOIN embeddings e ON e.content_hash = c.content_hash AND e.encoder = $encoder
WHERE NOT EXISTS (FROM predictions p WHERE p.content_hash = c.content_hash AND p.classifier = $classifier)
ORDER BY c.content_hash;
