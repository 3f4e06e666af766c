-- Where nothing better is known, an answer after which the user soon asks the same again did not do its job.
UPDATE requests SET resolved = false, outcome_origin = 're-ask'
FROM (
    WITH repeated AS (  -- few, and cheap to find
        SELECT session_id, ask_hash FROM requests
        WHERE session_id IS NOT NULL AND ask_hash IS NOT NULL
        GROUP BY session_id, ask_hash
        HAVING count(*) > 1
    )
    SELECT DISTINCT first.request_id
    FROM repeated
    JOIN requests AS first USING (session_id, ask_hash)
    JOIN requests AS again USING (session_id, ask_hash)
    WHERE first.status = 'ok' AND first.resolved IS NULL
        AND again.started_at > first.started_at
        AND again.started_at <= first.started_at + to_seconds($within_s::BIGINT)
        AND (again.request_id IN (SELECT call_id FROM calls) OR first.request_id IN (SELECT call_id FROM calls))
) AS asked
WHERE requests.request_id = asked.request_id AND requests.resolved IS NULL;
