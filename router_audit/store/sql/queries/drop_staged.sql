DROP TABLE IF EXISTS temp.staged;
DROP TABLE IF EXISTS temp.calls;
DROP TABLE IF EXISTS temp.merging;
