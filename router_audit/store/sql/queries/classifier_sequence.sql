SELECT COALESCE(max(sequence), 0) AS newest, COALESCE(max(sequence) FILTER (version = $version), 0) AS own
FROM classifiers;
