SELECT
    coalesce(sum(records) FILTER (WHERE NOT selected), 0)::BIGINT AS filtered,
    coalesce(sum(records) FILTER (WHERE selected) - count(*) FILTER (WHERE selected AND NOT stored), 0)::BIGINT AS duplicates,
    count(*) FILTER (WHERE selected AND NOT stored) AS new
FROM calls;
