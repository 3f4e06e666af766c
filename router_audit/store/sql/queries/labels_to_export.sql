-- The best label of each of the audit's contents, a request it is of, and how much traffic that content carries.
SELECT
    c.content_hash,
    r.request_id,
    c.requests,
    l.profile,
    l.probability,
    l.labeller,
    l.model,
    l.reason,
    l.stratum,
    t.system,
    r.messages,
    t.tools,
    t.response_format
FROM contents c
JOIN requests r USING (request_id)
JOIN templates t USING (template_id)
JOIN labels l ON l.content_hash = c.content_hash
QUALIFY row_number() OVER (
    PARTITION BY c.content_hash
    ORDER BY
        CASE l.labeller WHEN 'human' THEN 0 WHEN 'builtin' THEN 2 ELSE 1 END,
        l.profile IS NULL, l.cost_usd DESC, l.model, l.prompt_version
) = 1
ORDER BY c.content_hash;
