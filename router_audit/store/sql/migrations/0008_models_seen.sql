-- The models that the price list knew when a version of the table was made: what is new since is worth a test.
CREATE TABLE models_seen (
    table_version  VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,     -- provider/model
    PRIMARY KEY (table_version, model)
);
