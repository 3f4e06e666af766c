-- What ingest needs to recognise, on another day, a call that it stored.
ALTER TABLE requests ADD COLUMN half VARCHAR;      -- 'request' or 'response' where the log held only that
ALTER TABLE requests ADD COLUMN join_key VARCHAR;  -- halves and parts of one call share it
ALTER TABLE requests ADD COLUMN known BIGINT;      -- bit set of the columns that some log has filled

CREATE TABLE merged_ids (
    alias       VARCHAR NOT NULL,  -- an identity under which a record of a stored call came
    request_id  VARCHAR NOT NULL
);
