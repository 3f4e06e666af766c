SELECT template_id, left(system, 4000) AS system
FROM templates
WHERE list_contains($templates, template_id) AND system IS NOT NULL
ORDER BY template_id;
