-- The records of calls that several records tell, or that are stored and now better known.
CREATE OR REPLACE TEMP TABLE merging AS
SELECT rows.* REPLACE (rows.logged_cost_usd::DECIMAL(20, 10) AS logged_cost_usd), staged.call_id
FROM shards AS rows
JOIN staged USING (place)
JOIN calls ON calls.call_id = staged.call_id
WHERE calls.selected AND ((NOT calls.stored AND NOT calls.single) OR calls.improves);
