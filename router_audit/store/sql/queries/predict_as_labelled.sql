INSERT OR IGNORE INTO predictions
SELECT l.content_hash, $classifier, COALESCE(h.profile, l.profile), l.probability, l.reason
FROM contents c
JOIN labels l USING (content_hash)
LEFT JOIN labels h ON h.content_hash = c.content_hash AND h.labeller = 'human'
WHERE l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version;
