-- One row per call: is it asked for, is it stored already, and does this ingest know more of it?
CREATE OR REPLACE TEMP TABLE calls AS
WITH grouped AS (
    SELECT
        call_id,
        count(*) AS records,
        count(*) = 1 AND bool_and(given_id = call_id)
            AND bool_and(given_id NOT IN (SELECT given_id FROM staged WHERE given_id <> call_id)) AS single,
        min(place) AS place,
        min(started_at) AS started_at,
        max(output_tokens) AS output_tokens,
        bit_or(known) AS known,
        bool_or(list_contains($sources::VARCHAR[], source)) AS source_asked,
        bool_or(len(list_filter(
            $models::VARCHAR[],
            lambda model: coalesce(request_model GLOB model, false) OR coalesce(response_model GLOB model, false)
        )) > 0) AS model_asked
    FROM staged
    GROUP BY call_id
),
asked AS (
    SELECT *,
        (len($sources::VARCHAR[]) = 0 OR source_asked)
        AND (len($models::VARCHAR[]) = 0 OR model_asked)
        AND ($since::TIMESTAMP IS NULL OR coalesce(started_at >= $since::TIMESTAMP, false))
        AND ($until::TIMESTAMP IS NULL OR coalesce(started_at < $until::TIMESTAMP, false)) AS wanted
    FROM grouped
),
ranked AS (
    SELECT *, CASE WHEN $last::BIGINT IS NULL THEN 0
        ELSE row_number() OVER (PARTITION BY wanted ORDER BY started_at DESC NULLS LAST, place DESC) END AS age
    FROM asked
)
SELECT
    ranked.call_id, ranked.records, ranked.single, ranked.place,
    wanted AND ($last::BIGINT IS NULL OR age <= $last::BIGINT) AS selected,
    requests.request_id IS NOT NULL AS stored,
    requests.request_id IS NOT NULL AND (
        coalesce(ranked.output_tokens > requests.output_tokens, false)
        OR coalesce(ranked.started_at < requests.started_at, false)
        OR (ranked.known & ~coalesce(requests.known, 0)) <> 0
    ) AS improves
FROM ranked LEFT JOIN (
    SELECT * FROM requests WHERE $before::BIGINT >= 0 AND rowid <= $before::BIGINT  -- the first tells at once where there are none
) AS requests ON requests.request_id = ranked.call_id;
