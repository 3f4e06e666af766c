SELECT
    source, count(*) AS stored,
    coalesce(sum(input_tokens), 0)::BIGINT AS input,
    coalesce(sum(output_tokens), 0)::BIGINT AS output,
    coalesce(sum(cache_read_tokens), 0)::BIGINT AS cache_read,
    coalesce(sum(cache_write_tokens), 0)::BIGINT AS cache_write,
    coalesce(sum(reasoning_tokens), 0)::BIGINT AS reasoning
FROM requests
WHERE request_id IN (SELECT call_id FROM calls WHERE selected AND NOT stored)
GROUP BY source ORDER BY source;
