-- Counts of the pairs of each route and model by day, of the epoch that is open.
SELECT
    route, model, epoch, day,
    count(*) FILTER (WHERE difference = 1) AS harms,
    count(*) FILTER (WHERE difference = 0) AS ties,
    count(*) FILTER (WHERE difference = -1) AS gains,
    list_sort(list(DISTINCT grader)) AS graders
FROM canary_pairs c
WHERE epoch = (
    SELECT count(*) FROM canary_alarms a WHERE a.route = c.route AND a.model = c.model AND a.cleared IS NOT NULL
)
GROUP BY route, model, epoch, day
ORDER BY route, model, day;
