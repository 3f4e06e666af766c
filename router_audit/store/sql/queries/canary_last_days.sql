-- The latest day that is counted for each route and model, and the epoch that is open.
SELECT route, model, max(day) AS day FROM canary_pairs GROUP BY route, model;
