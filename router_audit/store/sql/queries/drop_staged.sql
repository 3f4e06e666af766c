DROP TABLE IF EXISTS temp.staged;
DROP TABLE IF EXISTS temp.calls;
DROP TABLE IF EXISTS temp.odd;
DROP TABLE IF EXISTS temp.odd_stored;
