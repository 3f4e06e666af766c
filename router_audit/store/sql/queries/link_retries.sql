-- The same prompt again, soon after it failed, in one session or by one user: a retry, linked and not merged.
UPDATE requests
SET retry_count = greatest(requests.retry_count, chain.failures),
    parent_id = coalesce(requests.parent_id, chain.failed)
FROM (
    SELECT later.request_id, count(*) AS failures, arg_max(failed.request_id, failed.started_at) AS failed
    FROM requests AS failed JOIN requests AS later
        ON later.content_hash = failed.content_hash
        AND later.started_at > failed.started_at
        AND later.started_at <= failed.started_at + to_seconds($within_s::BIGINT)
        AND (later.session_id = failed.session_id
            OR (later.session_id IS NULL AND failed.session_id IS NULL AND later.user_id = failed.user_id))
    WHERE failed.status = 'error' AND failed.messages <> '[]' AND later.request_id <> failed.request_id
        AND (later.request_id IN (SELECT call_id FROM calls) OR failed.request_id IN (SELECT call_id FROM calls))
    GROUP BY later.request_id
) AS chain
WHERE requests.request_id = chain.request_id;
