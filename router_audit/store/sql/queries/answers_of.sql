SELECT ask_key, status, batch_id, answer, at_risk_usd, asked_at, by_batch
FROM answers
WHERE ask_key IN (SELECT unnest($keys::VARCHAR[]));
