SELECT count(*) AS contents
FROM contents c
WHERE NOT EXISTS (
    FROM labels l
    WHERE l.content_hash = c.content_hash
        AND l.labeller = $labeller AND l.model = $model AND l.prompt_version = $prompt_version
);
