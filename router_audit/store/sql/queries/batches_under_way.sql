-- Batches that an earlier run sent and did not collect; NULL where it was stopped while it sent one.
SELECT batch_id, asked_at, list(ask_key ORDER BY ask_key) AS ask_keys
FROM answers
WHERE status = 'asked' AND by_batch AND origin = $origin AND model = $model
GROUP BY ALL
ORDER BY asked_at, batch_id;
