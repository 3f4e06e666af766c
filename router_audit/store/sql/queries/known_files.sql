-- Whether any of these files was read before.
SELECT count(*) > 0 FROM requests WHERE file IN (SELECT unnest($files::VARCHAR[]));
