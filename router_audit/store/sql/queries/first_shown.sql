-- What stood at each step when any audit at this epsilon and delta first found it testable.
SELECT route, candidate, tau, arg_min(trials, audit) AS trials, arg_min(regrets, audit) AS regrets
FROM first_looks
JOIN audits USING (audit)
WHERE epsilon = $epsilon AND delta = $delta
GROUP BY ALL;
