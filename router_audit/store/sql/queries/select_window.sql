CREATE OR REPLACE TEMP TABLE audited AS
SELECT request_id
FROM requests
ORDER BY started_at DESC NULLS LAST, request_id
LIMIT $last;
