-- Every trial with the profile, context and session it counts under; NULL profile where nothing tells it.
SELECT
    t.request_id,
    COALESCE(t.session_id, r.session_id, r.trace_id, t.request_id) AS session_id,
    COALESCE(t.profile, p.profile) AS profile,
    COALESCE(t.huge_context, r.input_tokens > $huge_context_tokens, false) AS huge_context,
    t.candidate,
    t.candidate_ok,
    t.incumbent_ok,
    t.grader,
    t.confidence,
    t.candidate_cost_usd::DOUBLE AS candidate_cost_usd,
    t.candidate_latency_ms,
    t.origin,
    t.arrived
FROM trials t
LEFT JOIN requests r ON r.request_id = t.request_id
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
ORDER BY t.trial_id;
