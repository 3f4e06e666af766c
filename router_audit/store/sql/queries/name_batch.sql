UPDATE answers SET batch_id = $batch_id
WHERE status = 'asked' AND by_batch AND batch_id IS NULL AND ask_key IN (SELECT unnest($keys::VARCHAR[]));
