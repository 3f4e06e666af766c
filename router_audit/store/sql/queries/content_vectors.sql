SELECT content_hash, vector
FROM embeddings
WHERE encoder = $encoder AND content_hash IN (SELECT unnest($contents::VARCHAR[]))
ORDER BY content_hash;
