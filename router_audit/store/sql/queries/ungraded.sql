-- Sampled requests of a replay that nobody graded, by the row they count under today and the candidate.
SELECT
    p.profile,
    COALESCE(r.input_tokens > $huge_context_tokens, false) AS huge_context,
    s.candidate,
    count(*) AS ungraded
FROM replays s
JOIN requests r USING (request_id)
JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier AND p.profile IS NOT NULL
WHERE NOT EXISTS (SELECT 1 FROM trials t WHERE t.request_id = s.request_id AND t.candidate = s.candidate)
GROUP BY ALL
ORDER BY ALL;
