-- Where every record is a call of its own: no look at which.
INSERT INTO requests BY NAME
SELECT * EXCLUDE (place) REPLACE (logged_cost_usd::DECIMAL(20, 10) AS logged_cost_usd) FROM shards;
