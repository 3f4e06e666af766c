-- One row per labelled content. A human's word wins over a provider's, that over the builtin labeller's; a
-- human's or a provider's label of one near-duplicate speaks for those that have none of their own.
WITH said AS (
    SELECT
        content_hash,
        profile,
        labeller,
        CASE labeller WHEN 'human' THEN 0 WHEN $labeller THEN 2 ELSE 1 END AS standing,
        cost_usd,
        model
    FROM labels
    WHERE profile IS NOT NULL
        AND (labeller <> $labeller OR (model = $model AND prompt_version = $prompt_version))
),
own AS (
    SELECT content_hash, arg_min(struct_pack(profile, labeller, standing), (standing, -cost_usd, model)) AS word
    FROM said
    GROUP BY content_hash
),
of_cluster AS (
    SELECT k.leader, arg_min(struct_pack(profile, labeller, standing), (standing, -cost_usd, model, content_hash)) AS word
    FROM said
    JOIN clusters k USING (content_hash)
    WHERE standing < 2
    GROUP BY k.leader
)
SELECT
    c.content_hash,
    r.request_id,
    r.template_id,
    c.requests,
    e.vector,
    CASE WHEN o.word.standing < 2 THEN o.word.profile ELSE COALESCE(n.word.profile, o.word.profile) END AS profile,
    CASE WHEN o.word.standing < 2 THEN o.word.labeller ELSE COALESCE(n.word.labeller, o.word.labeller) END AS labeller
FROM contents c
JOIN requests r USING (request_id)
JOIN embeddings e ON e.content_hash = c.content_hash AND e.encoder = $encoder
LEFT JOIN own o ON o.content_hash = c.content_hash
LEFT JOIN clusters k ON k.content_hash = c.content_hash
LEFT JOIN of_cluster n ON n.leader = k.leader
WHERE COALESCE(o.word.profile, n.word.profile) IS NOT NULL
ORDER BY c.content_hash;
