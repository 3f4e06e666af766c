DELETE FROM rejects WHERE file IN (SELECT unnest($files::VARCHAR[]));
