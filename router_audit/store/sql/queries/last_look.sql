-- The last look of an audit.
SELECT look, counts FROM looks WHERE audit = $audit ORDER BY look DESC LIMIT 1;
