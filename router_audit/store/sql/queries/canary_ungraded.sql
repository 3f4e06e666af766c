-- Canary requests whose routed model answered beside the premium one, and no grade of the pair is stored yet.
SELECT
    answer.request_id,
    min(shadow.request_id) AS shadow_id,
    any_value(answer.profile) AS profile,
    any_value(COALESCE(answer.context, 'standard')) AS context,
    shadow.model,
    bool_or(beside.status = 'error') AS shadow_failed,
    bool_or(served.status = 'error') AS answer_failed,
    min(beside.latency_ms) AS latency_ms
FROM decisions AS answer
JOIN decisions AS shadow ON shadow.shadow_of = answer.call_id AND shadow.role = 'shadow'
JOIN requests AS beside ON beside.request_id = shadow.request_id
JOIN requests AS served ON served.request_id = answer.request_id
WHERE answer.role = 'answer' AND answer.canary AND answer.profile IS NOT NULL AND shadow.model IS NOT NULL
    AND NOT EXISTS (
        FROM trials
        WHERE trials.request_id = answer.request_id AND trials.candidate = shadow.model AND trials.origin = 'canary'
    )
GROUP BY answer.request_id, shadow.model
ORDER BY answer.request_id;
