SELECT request_id, file, line, messages FROM requests
WHERE request_id IN (SELECT unnest($names::VARCHAR[]))
ORDER BY request_id;
