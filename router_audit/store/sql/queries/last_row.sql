-- Rows that are stored later have a greater number.
SELECT coalesce(max(rowid), -1) FROM requests;
