SELECT version, labeller, origin, model, prompt, metadata
FROM prompt_classifiers
ORDER BY sequence DESC
LIMIT 1;
