SELECT DISTINCT content_hash, labeller, profile
FROM labels
WHERE content_hash IN (SELECT unnest($hashes::VARCHAR[])) AND profile IS NOT NULL;
