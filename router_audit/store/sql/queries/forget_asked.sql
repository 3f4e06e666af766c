DELETE FROM answers
WHERE status = 'asked' AND ask_key IN (SELECT unnest($keys::VARCHAR[]));
