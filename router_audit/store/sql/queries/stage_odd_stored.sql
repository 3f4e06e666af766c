-- And where those stand that are stored.
CREATE OR REPLACE TEMP TABLE odd_stored AS
SELECT
    requests.rowid AS row, calls.call_id, calls.place AS first_place,
    strlen(requests.messages) + strlen(requests.output) AS body_bytes
FROM requests JOIN calls ON calls.call_id = requests.request_id
WHERE $before::BIGINT >= 0 AND requests.rowid <= $before::BIGINT AND calls.selected AND calls.improves;
