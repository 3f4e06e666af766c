-- Requests by the profile their content was labelled with; NULL where the labeller abstained.
SELECT l.profile, sum(c.requests)::BIGINT AS requests
FROM contents c
JOIN labels l USING (content_hash)
WHERE l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
GROUP BY ALL
ORDER BY l.profile NULLS LAST;
