-- The records of calls that several records tell, or that are stored and now better known. Of those that say the
-- same, as far as merging looks, the first: a call may be told any number of times.
CREATE OR REPLACE TEMP TABLE odd AS
SELECT min(staged.place) AS place, staged.call_id, calls.place AS first_place, staged.body_bytes
FROM staged JOIN calls USING (call_id)
WHERE calls.selected AND ((NOT calls.stored AND NOT calls.single) OR calls.improves)
GROUP BY
    staged.call_id, calls.place, staged.body_bytes, staged.join_key, staged.half, staged.source, staged.started_at,
    staged.output_tokens, staged.known, staged.request_model, staged.response_model, staged.rest;
