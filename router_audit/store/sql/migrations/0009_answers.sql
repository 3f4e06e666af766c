-- What model providers answered, and what is under way: a call is written before it leaves and again when its
-- answer comes, so that nothing is paid for twice, whatever ends a run.
CREATE TABLE answers (
    ask_key      VARCHAR PRIMARY KEY,      -- hash of all that is sent, and where to
    origin       VARCHAR NOT NULL,         -- provider, with the address where it is not the provider's own
    model        VARCHAR NOT NULL,
    purpose      VARCHAR NOT NULL,         -- label, prompt-classifier, replay, judge
    status       VARCHAR NOT NULL,         -- `asked` while under way, else the answer's
    batch_id     VARCHAR,                  -- NULL: asked singly, or its batch is not known to exist yet
    answer       VARCHAR NOT NULL,         -- JSON; empty while under way
    cost_usd     DECIMAL(20, 10) NOT NULL,
    at_risk_usd  DECIMAL(20, 10) NOT NULL, -- the most that lost attempts may have cost beside
    asked_at     TIMESTAMP NOT NULL,       -- UTC
    by_batch     BOOLEAN NOT NULL
);

-- The prompt form of the classifier: an instruction with chosen examples, and how it was measured.
CREATE TABLE prompt_classifiers (
    version   VARCHAR PRIMARY KEY,         -- content hash of the prompt and of who it was measured on
    sequence  BIGINT NOT NULL,
    labeller  VARCHAR NOT NULL,
    origin    VARCHAR NOT NULL,
    model     VARCHAR NOT NULL,
    prompt    VARCHAR NOT NULL,
    metadata  VARCHAR NOT NULL             -- JSON: figures, tokens, cost per thousand decisions
);

-- Which contents a labelling plan drew, and why: the core alone estimates accuracy and prevalence.
CREATE TABLE selections (
    content_hash  VARCHAR PRIMARY KEY,
    stratum       VARCHAR NOT NULL,        -- core or informative
    weight        DOUBLE NOT NULL,         -- requests this content stands for, over its chance of being drawn
    position      BIGINT NOT NULL          -- order of use
);

-- Near-duplicates: a label of one content speaks for its cluster.
CREATE TABLE clusters (
    content_hash  VARCHAR PRIMARY KEY,
    leader        VARCHAR NOT NULL
);
