-- A mark of all labels that people and providers gave: another one once any of them has come, changed or gone.
SELECT count(*)::VARCHAR || '-' || COALESCE(bit_xor(hash(content_hash, labeller, model, profile)), 0)::VARCHAR AS mark
FROM labels
WHERE labeller <> 'builtin';
