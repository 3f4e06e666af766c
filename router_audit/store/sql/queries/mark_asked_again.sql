-- Where nothing better is known, an answer after which the user soon asks the same again did not do its job.
UPDATE requests SET resolved = false, outcome_origin = 're-ask'
FROM (
    SELECT DISTINCT first.request_id
    FROM requests AS first JOIN requests AS again
        ON again.session_id = first.session_id
        AND again.ask_hash = first.ask_hash
        AND again.started_at > first.started_at
        AND again.started_at <= first.started_at + to_seconds($within_s::BIGINT)
    WHERE first.status = 'ok' AND first.resolved IS NULL
        AND (again.request_id IN (SELECT call_id FROM calls) OR first.request_id IN (SELECT call_id FROM calls))
) AS asked
WHERE requests.request_id = asked.request_id AND requests.resolved IS NULL;
