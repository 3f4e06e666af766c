-- The labelled contents of the random core, with the weight each stands for and what the builtin labeller said.
SELECT l.profile, b.profile AS builtin, s.weight
FROM selections s
JOIN contents c USING (content_hash)
JOIN labels l ON l.content_hash = c.content_hash
    AND l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
LEFT JOIN labels b ON b.content_hash = c.content_hash AND b.labeller = 'builtin' AND b.model = $builtin_model
WHERE s.stratum = 'core'
ORDER BY c.content_hash;
