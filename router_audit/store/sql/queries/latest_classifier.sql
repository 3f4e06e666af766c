SELECT version, encoder, labeller, metadata, arrays
FROM classifiers
ORDER BY sequence DESC
LIMIT 1;
