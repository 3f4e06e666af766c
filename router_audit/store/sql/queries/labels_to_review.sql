-- Contents without a human label, with what the best labeller said: suspects first, then the core, then the rest.
SELECT
    c.content_hash,
    c.requests,
    r.request_id,
    t.system,
    r.messages,
    t.tools,
    t.response_format,
    arg_min(l.labeller, (l.labeller = 'builtin', -l.cost_usd, l.model)) AS labeller,
    arg_min(COALESCE(l.profile, ''), (l.labeller = 'builtin', -l.cost_usd, l.model)) AS profile,
    arg_min(l.probability, (l.labeller = 'builtin', -l.cost_usd, l.model)) AS probability,
    arg_min(l.reason, (l.labeller = 'builtin', -l.cost_usd, l.model)) AS reason,
    any_value(s.stratum) AS stratum,
    COALESCE(list_position($suspects::VARCHAR[], c.content_hash), 0) > 0 AS suspect
FROM contents c
JOIN requests r USING (request_id)
JOIN templates t USING (template_id)
JOIN labels l ON l.content_hash = c.content_hash
LEFT JOIN selections s ON s.content_hash = c.content_hash
WHERE NOT EXISTS (FROM labels h WHERE h.content_hash = c.content_hash AND h.labeller = 'human')
GROUP BY ALL
ORDER BY
    NULLIF(COALESCE(list_position($suspects::VARCHAR[], c.content_hash), 0), 0) NULLS LAST,
    any_value(s.position) NULLS LAST,
    min(l.probability),
    c.requests DESC,
    c.content_hash
LIMIT $count;
