-- An audit under the next number.
INSERT INTO audits
SELECT (SELECT COALESCE(max(audit), 0) + 1 FROM audits), $number, $epsilon, $delta, $pairs
RETURNING audit;
