-- The last N requests: what callers were answered. A canary's shadow and an answer that was escalated are
-- calls, not requests.
CREATE OR REPLACE TEMP TABLE audited AS
SELECT request_id
FROM requests
LEFT JOIN decisions d USING (request_id)
WHERE d.request_id IS NULL OR (d.role <> 'shadow' AND NOT d.superseded)
ORDER BY started_at DESC NULLS LAST, request_id
LIMIT COALESCE($last, 9223372036854775807);
