-- The other half may have been stored on another day; the stored identity stays.
UPDATE staged SET call_id = joined.stored_id
FROM (
    SELECT staged.call_id, min(requests.request_id) AS stored_id
    FROM staged JOIN requests USING (join_key)
    WHERE requests.rowid <= $before AND requests.request_id <> staged.call_id
        AND (requests.half = 'request') IS DISTINCT FROM (staged.half = 'request')
        AND NOT EXISTS (
            FROM requests AS known WHERE known.request_id = staged.call_id AND known.rowid <= $before
        )
    GROUP BY staged.call_id, staged.join_key
    HAVING count(DISTINCT requests.request_id) = 1
) AS joined
WHERE staged.call_id = joined.call_id;
