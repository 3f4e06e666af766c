-- What was sampled for a replay: the answer of each is in `answers`, its grades in `trials`.
CREATE TABLE replays (
    request_id    VARCHAR NOT NULL,
    candidate     VARCHAR NOT NULL,
    session_id    VARCHAR NOT NULL,
    profile       VARCHAR NOT NULL,
    huge_context  BOOLEAN NOT NULL,
    ask_key       VARCHAR,           -- NULL: not asked, for nobody could have graded it
    note          VARCHAR NOT NULL,  -- why it has no grade; empty where it has one
    PRIMARY KEY (request_id, candidate)
);
