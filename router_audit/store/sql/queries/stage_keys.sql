CREATE OR REPLACE TEMP TABLE staged AS
SELECT
    place, request_id AS given_id, request_id AS call_id, join_key, half, source,
    started_at, output_tokens, known, request_model, response_model, body_bytes,
    hash(status, error_type, template_id, retry_count, flags, resolved, outcome_origin, ask_hash) AS rest
FROM shards;
