SELECT count(*) AS rejects FROM rejects;
