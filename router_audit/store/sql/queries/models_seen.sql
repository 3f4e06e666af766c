-- Every model that any version of the table knew, and the versions that are recorded.
SELECT table_version, model FROM models_seen ORDER BY table_version, model;
