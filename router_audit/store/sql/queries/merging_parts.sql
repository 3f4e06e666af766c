-- Calls to merge, some at a time: DuckDB holds what it has found of every call of a part in memory.
WITH parts AS (
    SELECT first_place, (sum(bytes) OVER (ORDER BY first_place))::BIGINT // $part_bytes::BIGINT AS part
    FROM (
        SELECT first_place, sum(body_bytes + $row_bytes::BIGINT) AS bytes
        FROM (
            SELECT first_place, body_bytes FROM odd
            UNION ALL
            SELECT first_place, body_bytes FROM odd_stored
        )
        GROUP BY first_place
    )
)
SELECT
    min(first_place) AS first, max(first_place) AS last,
    coalesce(min(row), -1) AS first_row, coalesce(max(row), -1) AS last_row
FROM parts LEFT JOIN odd_stored USING (first_place)
GROUP BY part ORDER BY part;
