-- The requests of two windows of equal length, the later one up to the last request; no bodies.
WITH ends AS (
    SELECT max(started_at) AS last_at FROM requests JOIN audited USING (request_id)
)
SELECT
    r.request_id,
    COALESCE(r.session_id, r.trace_id, r.request_id) AS session_id,
    r.template_id,
    r.content_hash,
    p.profile,
    r.started_at,
    r.started_at > ends.last_at - to_microseconds($window_us::BIGINT) AS later
FROM requests r
JOIN audited USING (request_id)
CROSS JOIN ends
LEFT JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier
WHERE r.started_at > ends.last_at - to_microseconds(2 * $window_us::BIGINT)
ORDER BY r.started_at, r.request_id;
