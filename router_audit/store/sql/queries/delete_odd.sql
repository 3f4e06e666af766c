-- Of the records that were inserted, those which are no calls of their own.
DELETE FROM requests
WHERE rowid > $before AND request_id IN (
    SELECT given_id FROM staged JOIN calls USING (call_id) WHERE stored OR NOT single
);
