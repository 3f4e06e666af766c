-- Every alarm, the newest last.
SELECT * FROM canary_alarms ORDER BY day, route, model, epoch;
