-- The steps that an audit has found testable, and what stood there then.
SELECT route, candidate, tau, look, expected_cost_usd, trials, regrets FROM first_looks WHERE audit = $audit ORDER BY ALL;
