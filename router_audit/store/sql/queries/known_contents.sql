-- The content each given name stands for: a content hash, our request id, or the provider's response id.
SELECT n.name, any_value(r.content_hash) AS content_hash
FROM requests r
JOIN (SELECT unnest($names::VARCHAR[]) AS name) n ON n.name IN (r.content_hash, r.request_id, r.response_id)
GROUP BY n.name;
