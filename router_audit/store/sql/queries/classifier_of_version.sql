SELECT version, encoder, labeller, metadata, arrays
FROM classifiers
WHERE starts_with(version, $version)
ORDER BY version;
