SELECT
    count(*) AS requests,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM requests
JOIN audited USING (request_id);
