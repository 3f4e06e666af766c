-- What was asked in one request of each of these contents.
SELECT c.content_hash, t.system, r.messages, t.tools, t.response_format
FROM contents c
JOIN requests r USING (request_id)
JOIN templates t USING (template_id)
WHERE c.content_hash IN (SELECT unnest($hashes::VARCHAR[]))
ORDER BY c.content_hash;
