SELECT COALESCE(max(sequence), 0) AS newest FROM prompt_classifiers;
