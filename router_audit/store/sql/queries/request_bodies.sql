-- Whole requests with what was answered, by name.
SELECT
    r.request_id, r.template_id, r.messages, r.output, r.params, r.output_tokens, r.finish_reason,
    r.resolved, r.outcome_origin, t.system, t.tools, t.response_format
FROM requests r
JOIN templates t USING (template_id)
WHERE r.request_id IN (SELECT unnest($names::VARCHAR[]))
ORDER BY r.request_id;
