-- The audits at an epsilon and delta, the newest first.
SELECT audit, number, pairs FROM audits WHERE epsilon = $epsilon AND delta = $delta ORDER BY audit DESC;
