-- Labels and predictions hang on the content, not on the request: equal text is judged once.
CREATE TABLE embeddings (
    content_hash  VARCHAR NOT NULL,
    encoder       VARCHAR NOT NULL,   -- encoder name and text recipe version
    vector        FLOAT[] NOT NULL,
    PRIMARY KEY (content_hash, encoder)
);

CREATE TABLE labels (
    content_hash    VARCHAR NOT NULL,
    labeller        VARCHAR NOT NULL,
    model           VARCHAR NOT NULL,
    prompt_version  VARCHAR NOT NULL,
    profile         VARCHAR,            -- NULL: abstained
    probability     DOUBLE NOT NULL,
    reason          VARCHAR NOT NULL,
    cost_usd        DECIMAL(20, 10) NOT NULL,
    stratum         VARCHAR NOT NULL,   -- core or informative
    PRIMARY KEY (content_hash, labeller, model, prompt_version)
);

CREATE TABLE classifiers (
    version   VARCHAR PRIMARY KEY,      -- content hash
    sequence  BIGINT NOT NULL,          -- order of training
    encoder   VARCHAR NOT NULL,
    labeller  VARCHAR NOT NULL,
    metadata  VARCHAR NOT NULL,         -- JSON
    arrays    BLOB NOT NULL             -- npz without pickle
);

CREATE TABLE predictions (
    content_hash  VARCHAR NOT NULL,
    classifier    VARCHAR NOT NULL,
    profile       VARCHAR,              -- NULL: abstained
    probability   DOUBLE NOT NULL,
    reason        VARCHAR NOT NULL,
    PRIMARY KEY (content_hash, classifier)
);
