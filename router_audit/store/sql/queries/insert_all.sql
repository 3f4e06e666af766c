-- Every record, as if each were a call of its own.
INSERT INTO requests BY NAME
SELECT * EXCLUDE (place, body_bytes) REPLACE (logged_cost_usd::DECIMAL(20, 10) AS logged_cost_usd) FROM shards;
