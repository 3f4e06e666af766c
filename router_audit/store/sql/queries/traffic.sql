-- One row per audited request with what money, evidence and policy need to know; no bodies.
SELECT
    r.request_id,
    COALESCE(r.session_id, r.trace_id, r.request_id) AS session_id,
    COALESCE(r.session_id, r.trace_id) AS conversation_id,  -- NULL where the log names no session
    r.template_id,
    t.system_tokens,                                        -- estimated: four characters a token
    r.started_at,
    r.provider,
    COALESCE(r.response_model, r.request_model) AS model,
    r.request_model,
    r.response_model,
    d.asked,                                                -- provider/model it would have had without the table
    r.region,
    r.latency_ms,
    r.input_tokens,
    r.output_tokens,
    r.cache_read_tokens,
    r.cache_write_tokens,
    r.cache_write_1h_tokens,
    r.reasoning_tokens,
    r.logged_cost_usd,
    r.service_tier,
    r.status,
    r.retry_count,
    r.team,
    r.source,
    CASE WHEN r.status = 'error' THEN false ELSE r.resolved END AS resolved,
    CASE WHEN r.status = 'error' THEN 'error' ELSE r.outcome_origin END AS outcome_origin,
    p.profile,
    p.probability,
    COALESCE(r.input_tokens > $huge_context_tokens, false) AS huge_context
FROM requests r
JOIN audited USING (request_id)
LEFT JOIN (
    SELECT template_id, CAST(length(system) / 4 AS BIGINT) AS system_tokens FROM templates
) t ON t.template_id = r.template_id
LEFT JOIN decisions d ON d.request_id = r.request_id
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
ORDER BY r.started_at NULLS FIRST, r.request_id;
