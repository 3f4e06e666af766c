-- Graded canary pairs that the test has not counted yet; several rows where several graders graded one.
SELECT
    t.request_id,
    COALESCE(t.profile, d.profile, p.profile) AS profile,
    COALESCE(t.huge_context, d.context = 'huge', r.input_tokens > $huge_context_tokens, false) AS huge_context,
    t.candidate AS model,
    t.candidate_ok,
    t.incumbent_ok,
    t.grader,
    r.started_at::DATE AS day,
    d.table_version
FROM trials t
LEFT JOIN requests r ON r.request_id = t.request_id
LEFT JOIN decisions d ON d.request_id = t.request_id
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
WHERE t.origin = 'canary'
    AND NOT EXISTS (FROM canary_pairs c WHERE c.request_id = t.request_id AND c.model = t.candidate)
ORDER BY t.request_id, t.candidate, t.grader;
