-- Halves of one call within this ingest; a key that two batches share joins nothing.
UPDATE staged SET call_id = joined.answer
FROM (
    SELECT join_key, min(call_id) FILTER (WHERE half IS DISTINCT FROM 'request') AS answer
    FROM staged
    WHERE join_key IS NOT NULL
    GROUP BY join_key
    HAVING count(DISTINCT call_id) FILTER (WHERE half IS DISTINCT FROM 'request') = 1
        AND count(DISTINCT call_id) FILTER (WHERE half = 'request') <= 1
) AS joined
WHERE staged.join_key = joined.join_key AND staged.half = 'request';
