-- Of several records of one call the one with the most output tokens speaks; the others fill what it leaves open.
INSERT INTO requests BY NAME
WITH merging AS (
    SELECT rows.* EXCLUDE (body_bytes) REPLACE (rows.logged_cost_usd::DECIMAL(20, 10) AS logged_cost_usd), odd.call_id
    FROM shards AS rows JOIN odd USING (place)
    WHERE odd.first_place BETWEEN $first AND $last
    UNION ALL BY NAME
    SELECT requests.*, odd_stored.call_id, -1 AS place
    FROM requests JOIN odd_stored ON odd_stored.row = requests.rowid
    WHERE odd_stored.first_place BETWEEN $first AND $last
        AND requests.rowid BETWEEN $first_row AND $last_row  -- so that no other part of the store is looked at
),
ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY call_id ORDER BY half IS NOT NULL, output_tokens DESC NULLS LAST, bit_count(known) DESC, place
    ) AS rank
    FROM merging
)
SELECT
    call_id AS request_id,
    arg_min(source, rank) AS source,
    arg_min(file, rank) AS file,
    arg_min(line, rank) AS line,
    arg_min(response_id, rank) AS response_id,
    min(started_at) AS started_at,
    arg_min(latency_ms, rank) AS latency_ms,
    arg_min(time_to_first_token_ms, rank) AS time_to_first_token_ms,
    arg_min(provider, rank) AS provider,
    arg_min(request_model, rank) AS request_model,
    arg_min(response_model, rank) AS response_model,
    arg_min(region, rank) AS region,
    coalesce(arg_min(nullif(template_id, $no_template), rank), $no_template) AS template_id,
    coalesce(arg_min(nullif(messages, '[]'), rank), '[]') AS messages,
    coalesce(arg_min(nullif(output, '[]'), rank), '[]') AS output,
    coalesce(arg_min(nullif(params, '{}'), rank), '{}') AS params,
    arg_min(input_tokens, rank) AS input_tokens,
    arg_min(output_tokens, rank) AS output_tokens,
    arg_min(cache_read_tokens, rank) AS cache_read_tokens,
    arg_min(cache_write_tokens, rank) AS cache_write_tokens,
    arg_min(cache_write_1h_tokens, rank) AS cache_write_1h_tokens,
    arg_min(reasoning_tokens, rank) AS reasoning_tokens,
    arg_min(logged_cost_usd, rank) AS logged_cost_usd,
    arg_min(service_tier, rank) AS service_tier,
    arg_min(status, rank) AS status,
    arg_min(error_type, rank) AS error_type,
    arg_min(finish_reason, rank) AS finish_reason,
    arg_min(session_id, rank) AS session_id,
    arg_min(trace_id, rank) AS trace_id,
    arg_min(parent_id, rank) AS parent_id,
    arg_min(user_id, rank) AS user_id,
    arg_min(team, rank) AS team,
    arg_min(project, rank) AS project,
    coalesce(arg_min(nullif(tags, '[]'), rank), '[]') AS tags,
    max(retry_count) AS retry_count,
    -- What ingest itself concluded gives way to what any log states.
    coalesce(arg_min(resolved, rank) FILTER (WHERE outcome_origin NOT IN ('error', 're-ask')), arg_min(resolved, rank))
        AS resolved,
    coalesce(arg_min(outcome_origin, rank) FILTER (WHERE outcome_origin NOT IN ('error', 're-ask')), arg_min(outcome_origin, rank))
        AS outcome_origin,
    arg_min(outcome_score, rank) AS outcome_score,
    coalesce(arg_min(nullif(routing, '{}'), rank), '{}') AS routing,
    to_json(list_sort(list_distinct(list_filter(
        flatten(list(from_json(flags, '["VARCHAR"]'))),
        lambda flag: NOT (flag IN ('request_only', 'response_only', 'events_only') AND complete)
    ))))::VARCHAR AS flags,
    coalesce(arg_min(CASE WHEN messages <> '[]' THEN content_hash END, rank), arg_min(content_hash, rank)) AS content_hash,
    arg_min(ask_hash, rank) AS ask_hash,
    CASE WHEN complete THEN NULL ELSE arg_min(half, rank) END AS half,
    CASE WHEN bool_or(half = 'request') AND bool_or(half = 'response') THEN NULL ELSE arg_min(join_key, rank) END AS join_key,
    bit_or(known) AS known
FROM ranked JOIN (
    SELECT call_id, coalesce(bool_or(half IS NULL), false)
        OR (coalesce(bool_or(half = 'request'), false) AND coalesce(bool_or(half = 'response'), false)) AS complete
    FROM merging GROUP BY call_id
) USING (call_id)
GROUP BY call_id, complete;
