-- Graded canary pairs by route and day; the premium tier is the incumbent of a canary trial.
SELECT
    COALESCE(t.profile, p.profile) || CASE
        WHEN COALESCE(t.huge_context, r.input_tokens > $huge_context_tokens, false)
            AND COALESCE(t.profile, p.profile) IN ('classification', 'extraction') THEN '/huge' ELSE ''
    END AS route,
    CAST(r.started_at AS DATE) AS day,
    count(*) FILTER (WHERE t.incumbent_ok AND NOT t.candidate_ok) AS harms,
    count(*) FILTER (WHERE t.incumbent_ok = t.candidate_ok) AS ties,
    count(*) FILTER (WHERE t.candidate_ok AND NOT t.incumbent_ok) AS gains
FROM trials t
JOIN requests r ON r.request_id = t.request_id
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
WHERE t.origin = 'canary' AND r.started_at IS NOT NULL AND COALESCE(t.profile, p.profile) IS NOT NULL
GROUP BY ALL
ORDER BY route, day;
