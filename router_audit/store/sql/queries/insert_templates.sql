INSERT INTO templates BY NAME
SELECT template_id, any_value(system) AS system, any_value(tools) AS tools, any_value(response_format) AS response_format
FROM shards
WHERE template_id IN (SELECT template_id FROM requests) AND template_id NOT IN (SELECT template_id FROM templates)
GROUP BY template_id;
