-- Contents without a human label, with what the best labeller said: suspects first, then the core, then the rest.
WITH best AS (
    SELECT content_hash, labeller, profile, probability, reason
    FROM labels
    QUALIFY row_number() OVER (
        PARTITION BY content_hash
        ORDER BY labeller = 'builtin', cost_usd DESC, model, prompt_version
    ) = 1
)
SELECT
    c.content_hash,
    c.requests,
    r.request_id,
    t.system,
    r.messages,
    t.tools,
    t.response_format,
    b.labeller,
    b.profile,
    b.probability,
    b.reason,
    s.stratum,
    list_position($suspects::VARCHAR[], c.content_hash) IS NOT NULL AS suspect
FROM contents c
JOIN requests r USING (request_id)
JOIN templates t USING (template_id)
JOIN best b ON b.content_hash = c.content_hash
LEFT JOIN selections s ON s.content_hash = c.content_hash
WHERE NOT EXISTS (FROM labels h WHERE h.content_hash = c.content_hash AND h.labeller = 'human')
ORDER BY
    NULLIF(list_position($suspects::VARCHAR[], c.content_hash), 0) NULLS LAST,
    s.position NULLS LAST,
    b.probability,
    c.requests DESC,
    c.content_hash
LIMIT $count;
