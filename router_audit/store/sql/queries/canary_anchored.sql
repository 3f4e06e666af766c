-- Canary pairs by the request's name, graded or not.
SELECT answer.request_id, min(shadow.request_id) AS shadow_id, min(shadow.model) AS model
FROM decisions AS answer
JOIN decisions AS shadow ON shadow.shadow_of = answer.call_id AND shadow.role = 'shadow'
WHERE answer.role = 'answer' AND answer.request_id IN (SELECT unnest($names::VARCHAR[]))
GROUP BY answer.request_id
ORDER BY answer.request_id;
