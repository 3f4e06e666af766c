-- Requests a day that each route moved, and the share of them in the canary, over the days of the log.
SELECT
    d.profile || '/' || COALESCE(d.context, 'standard') AS route,
    d.model,
    count(*) AS requests,
    count(*) FILTER (WHERE d.canary) AS canary,
    date_diff('day', min(r.started_at), max(r.started_at)) + 1 AS days
FROM decisions d
JOIN requests r USING (request_id)
WHERE d.role = 'answer' AND d.profile IS NOT NULL AND d.propensity > 0
GROUP BY ALL
ORDER BY ALL;
