-- One paired comparison each. `grade` rows of several graders may stand for one pair: the ladder chooses.
CREATE TABLE trials (
    trial_id              VARCHAR PRIMARY KEY,  -- hash of request, candidate and grader
    request_id            VARCHAR NOT NULL,     -- ours where the request is in the store, else the importer's
    session_id            VARCHAR,              -- NULL: the request's own session, else the request itself
    profile               VARCHAR,              -- NULL: the prediction for the request decides
    huge_context          BOOLEAN,              -- NULL: the request's own input tokens decide
    candidate             VARCHAR NOT NULL,
    candidate_ok          BOOLEAN NOT NULL,
    incumbent_ok          BOOLEAN NOT NULL,
    grader                VARCHAR NOT NULL,
    confidence            DOUBLE,
    candidate_cost_usd    DECIMAL(20, 10),
    candidate_latency_ms  DOUBLE,
    origin                VARCHAR NOT NULL      -- import, replay or canary
);
