SELECT request_id, file, line, messages
FROM requests
WHERE list_contains($names, request_id)
ORDER BY request_id;
