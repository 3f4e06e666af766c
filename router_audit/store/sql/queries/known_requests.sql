-- The stored request each given name stands for: our id, or the provider's response id.
SELECT n.name, r.request_id
FROM requests r
JOIN (SELECT unnest($names::VARCHAR[]) AS name) n ON n.name IN (r.request_id, r.response_id);
