INSERT INTO merging BY NAME
SELECT requests.*, requests.request_id AS call_id, -1 AS place
FROM requests JOIN calls ON calls.call_id = requests.request_id
WHERE calls.selected AND calls.improves;
