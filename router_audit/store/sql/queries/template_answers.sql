-- What incumbents answered under each of some templates: at most 400 each, whichever ids come first.
SELECT r.template_id, r.output
FROM requests r
WHERE r.template_id IN (SELECT unnest($templates::VARCHAR[])) AND r.status = 'ok' AND r.output <> '[]'
QUALIFY row_number() OVER (PARTITION BY r.template_id ORDER BY r.request_id) <= 400
ORDER BY r.template_id, r.request_id;
