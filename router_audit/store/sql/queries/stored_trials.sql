-- The trials as they were given, in a fixed order.
SELECT * REPLACE (candidate_cost_usd::DOUBLE AS candidate_cost_usd) FROM trials ORDER BY request_id, candidate, grader;
