-- Which addition of trials one came with: of one session the first trial is counted, at every later look too.
ALTER TABLE trials ADD COLUMN arrived BIGINT DEFAULT 0;

-- A question put to the trials: these candidates on these rows, at this epsilon and delta. Another is another audit.
CREATE TABLE audits (
    audit    BIGINT PRIMARY KEY,
    number   BIGINT NOT NULL,     -- among those of the same epsilon and delta, from 1
    epsilon  DOUBLE NOT NULL,
    delta    DOUBLE NOT NULL,
    pairs    VARCHAR NOT NULL     -- JSON: [[row, candidate], ...], in order
);

-- Each time an audit was put to counts that it had not been put to just before.
CREATE TABLE looks (
    audit   BIGINT NOT NULL,
    look    BIGINT NOT NULL,      -- from 1
    counts  VARCHAR NOT NULL,     -- digest of the counts it saw
    PRIMARY KEY (audit, look)
);

-- The first look that could have rejected a step: it fixes the step's place on its path, and spends its exact test.
CREATE TABLE first_looks (
    audit              BIGINT NOT NULL,
    route              VARCHAR NOT NULL,
    candidate          VARCHAR NOT NULL,
    tau                DOUBLE NOT NULL,
    look               BIGINT NOT NULL,
    expected_cost_usd  DOUBLE NOT NULL,
    trials             BIGINT NOT NULL,
    regrets            BIGINT NOT NULL,
    PRIMARY KEY (audit, route, candidate, tau)
);

-- Where a replay has ended its planned sample of a candidate and said so: what comes after is looked at again.
CREATE TABLE ended_samples (
    route      VARCHAR NOT NULL,
    candidate  VARCHAR NOT NULL,
    arrived    BIGINT NOT NULL,   -- the last addition of trials that was there, the first time
    planned    BIGINT NOT NULL,   -- the largest such sample
    PRIMARY KEY (route, candidate)
);
