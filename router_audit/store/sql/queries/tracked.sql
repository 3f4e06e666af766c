-- One row per stored call with what tracking needs: served, shadow and first answers alike; no bodies.
SELECT
    hash(COALESCE(r.session_id, r.trace_id, r.request_id)) AS task,  -- a number groups faster than a name
    r.started_at,
    r.provider,
    r.request_model,
    r.response_model,
    r.latency_ms,
    r.input_tokens,
    r.output_tokens,
    r.cache_read_tokens,
    r.cache_write_tokens,
    r.cache_write_1h_tokens,
    r.reasoning_tokens,
    r.service_tier,
    CASE WHEN r.status = 'error' THEN false ELSE r.resolved END AS resolved,
    CASE WHEN r.status = 'error' THEN 'error' ELSE r.outcome_origin END AS outcome_origin,
    COALESCE(d.profile, p.profile) AS profile,
    COALESCE(d.context = 'huge', r.input_tokens > $huge_context_tokens, false) AS huge_context,
    d.escalated_from,
    COALESCE(d.superseded, false) AS superseded,
    COALESCE(d.role = 'shadow', false) AS shadow,
    COALESCE(d.canary AND d.role = 'answer', false) AS canary
FROM requests r
LEFT JOIN decisions d USING (request_id)
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
WHERE ($since::TIMESTAMP IS NULL OR r.started_at >= $since::TIMESTAMP)
ORDER BY r.started_at NULLS FIRST, r.request_id;
