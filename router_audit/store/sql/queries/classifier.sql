-- The classifier of one version.
SELECT version, encoder, labeller, metadata, arrays
FROM classifiers
WHERE version = $version;
