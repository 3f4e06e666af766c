-- The number that the next addition of trials goes by.
SELECT COALESCE(max(arrived), 0) + 1 AS next FROM trials;
