-- What a gateway decided about each call, read from its log. One row per call that names a decision.
CREATE VIEW decisions AS
WITH told AS (
    SELECT
        request_id,
        status,
        json_extract_string(routing, '$.request_id') AS given_id,
        json_extract_string(routing, '$.role') AS given_role,
        json_extract_string(routing, '$.shadow_of') AS shadow_of,
        json_extract_string(routing, '$.escalated_from') AS escalated_from,
        json_extract_string(routing, '$.escalated_to') AS escalated_to,
        json_extract_string(routing, '$.profile') AS profile,
        json_extract_string(routing, '$.context') AS context,
        json_extract_string(routing, '$.model') AS model,
        json_extract_string(routing, '$.asked') AS asked,
        json_extract_string(routing, '$.table_version') AS table_version,
        COALESCE(TRY_CAST(json_extract_string(routing, '$.canary') AS BOOLEAN), false) AS canary,
        TRY_CAST(json_extract_string(routing, '$.propensity') AS DOUBLE) AS propensity,
        COALESCE(json_extract_string(routing, '$.request_id'), response_id, request_id) AS call_id
    FROM requests
    WHERE routing <> '{}'
),
roles AS (
    SELECT *, COALESCE(given_role, CASE
        WHEN shadow_of IS NOT NULL THEN 'shadow'
        WHEN escalated_from IS NOT NULL THEN 'escalation'
        ELSE 'answer' END) AS role
    FROM told
)
SELECT
    request_id, call_id, role, profile, context, model, asked, table_version, canary, propensity, shadow_of,
    CASE WHEN role = 'escalation' THEN escalated_from END AS escalated_from,
    -- A first answer that was escalated: paid, and never shown to the caller.
    role = 'answer' AND (
        escalated_to IS NOT NULL
        OR COALESCE(bool_or(role = 'escalation' AND status = 'ok') OVER (PARTITION BY given_id), false)
            AND given_id IS NOT NULL
    ) AS superseded
FROM roles;

-- Graded canary pairs as the test counts them: once, on the day they were first read or a later one.
CREATE TABLE canary_pairs (
    request_id     VARCHAR NOT NULL,
    route          VARCHAR NOT NULL,     -- profile/context
    model          VARCHAR NOT NULL,     -- provider/model, the routed one
    epoch          BIGINT NOT NULL,      -- how many alarms of this route and model had been cleared
    day            DATE NOT NULL,        -- never before a day that was counted already
    difference     TINYINT NOT NULL,     -- 1: the routed model failed and the premium one did not; -1; 0
    grader         VARCHAR NOT NULL,
    table_version  VARCHAR,
    PRIMARY KEY (request_id, model)
);

CREATE TABLE canary_alarms (
    route          VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    epoch          BIGINT NOT NULL,
    day            DATE NOT NULL,
    e_value        DOUBLE NOT NULL,
    harms          BIGINT NOT NULL,
    gains          BIGINT NOT NULL,
    pairs          BIGINT NOT NULL,
    margin         DOUBLE NOT NULL,
    alpha          DOUBLE NOT NULL,
    cleared        VARCHAR,              -- why it was lifted; NULL while it stands
    PRIMARY KEY (route, model, epoch)
);

-- The anchor set: the same answers graded again and again, to see whether the judge has moved.
CREATE TABLE canary_anchors (
    judge         VARCHAR NOT NULL,
    check_number  BIGINT NOT NULL,       -- 0 is the reference
    item          VARCHAR NOT NULL,
    passed        BOOLEAN NOT NULL,
    PRIMARY KEY (judge, check_number, item)
);
