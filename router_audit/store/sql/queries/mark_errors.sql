-- Where nothing better is known, a call that failed did not do its job.
UPDATE requests SET resolved = false, outcome_origin = 'error'
WHERE status = 'error' AND resolved IS NULL AND request_id IN (SELECT call_id FROM calls WHERE selected);
