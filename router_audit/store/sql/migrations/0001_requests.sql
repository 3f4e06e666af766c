-- One row per LLM call. Bodies are JSON text; what a log did not say is NULL, never zero.
CREATE TABLE templates (
    template_id      VARCHAR PRIMARY KEY,  -- hash of system + tools + response format
    system           VARCHAR,
    tools            VARCHAR NOT NULL,     -- JSON list of {name, description, parameters}
    response_format  VARCHAR               -- JSON
);

CREATE TABLE requests (
    request_id              VARCHAR NOT NULL,
    source                  VARCHAR NOT NULL,
    file                    VARCHAR NOT NULL,
    line                    BIGINT NOT NULL,
    response_id             VARCHAR,
    started_at              TIMESTAMP,      -- UTC
    latency_ms              DOUBLE,
    time_to_first_token_ms  DOUBLE,
    provider                VARCHAR,
    request_model           VARCHAR,
    response_model          VARCHAR,
    region                  VARCHAR,
    template_id             VARCHAR NOT NULL,
    messages                VARCHAR NOT NULL,  -- JSON, OpenTelemetry parts
    output                  VARCHAR NOT NULL,
    params                  VARCHAR NOT NULL,
    input_tokens            BIGINT,            -- includes cached
    output_tokens           BIGINT,            -- includes reasoning
    cache_read_tokens       BIGINT,
    cache_write_tokens      BIGINT,
    cache_write_1h_tokens   BIGINT,
    reasoning_tokens        BIGINT,
    logged_cost_usd         DECIMAL(20, 10),
    service_tier            VARCHAR,
    status                  VARCHAR NOT NULL,
    error_type              VARCHAR,
    finish_reason           VARCHAR,
    session_id              VARCHAR,
    trace_id                VARCHAR,
    parent_id               VARCHAR,
    user_id                 VARCHAR,
    team                    VARCHAR,
    project                 VARCHAR,
    tags                    VARCHAR NOT NULL,
    retry_count             INTEGER NOT NULL,
    resolved                BOOLEAN,
    outcome_origin          VARCHAR,
    outcome_score           DOUBLE,
    routing                 VARCHAR NOT NULL,
    flags                   VARCHAR NOT NULL,
    content_hash            VARCHAR NOT NULL   -- of what the encoder is shown: equal text is embedded and labelled once
);

CREATE TABLE rejects (
    file     VARCHAR NOT NULL,
    line     BIGINT NOT NULL,
    source   VARCHAR NOT NULL,
    reason   VARCHAR NOT NULL,
    excerpt  VARCHAR NOT NULL
);
