-- Calls that one record tells in full: the many.
INSERT INTO requests BY NAME
SELECT rows.* EXCLUDE (place, body_bytes) REPLACE (rows.logged_cost_usd::DECIMAL(20, 10) AS logged_cost_usd)
FROM shards AS rows JOIN calls USING (place)
WHERE calls.selected AND NOT calls.stored AND calls.single;
