-- What was stored of calls that are now merged with more.
DELETE FROM requests WHERE rowid IN (SELECT row FROM odd_stored);
