-- The distinct contents of the audited requests, each with one request that carries it and its weight.
CREATE OR REPLACE TEMP TABLE contents AS
SELECT content_hash, min(request_id) AS request_id, count(*) AS requests
FROM requests
JOIN audited USING (request_id)
GROUP BY content_hash;
