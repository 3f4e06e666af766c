-- One row per stored call with what tracking needs: served, shadow and first answers alike; no bodies.
SELECT
    r.request_id,
    COALESCE(r.session_id, r.trace_id) AS conversation_id,  -- NULL where the log names no session
    r.template_id,
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
    COALESCE(json_extract_string(r.routing, '$.profile'), p.profile) AS profile,
    COALESCE(
        TRY_CAST(json_extract_string(r.routing, '$.huge_context') AS BOOLEAN),
        r.input_tokens > $huge_context_tokens,
        false
    ) AS huge_context,
    json_extract_string(r.routing, '$.table_version') AS table_version,
    json_extract_string(r.routing, '$.escalated_from') AS escalated_from,
    json_extract_string(r.routing, '$.escalated_to') IS NOT NULL AS superseded,
    json_extract_string(r.routing, '$.shadow_of') IS NOT NULL AS shadow,
    COALESCE(TRY_CAST(json_extract_string(r.routing, '$.canary') AS BOOLEAN), false) AS canary
FROM requests r
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
WHERE ($since::TIMESTAMP IS NULL OR r.started_at >= $since::TIMESTAMP)
ORDER BY r.started_at NULLS FIRST, r.request_id;
