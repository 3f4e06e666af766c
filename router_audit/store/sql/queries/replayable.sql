-- The audited requests of a known profile, each with why it cannot be asked again; NULL where it can.
SELECT
    r.request_id,
    CASE
        WHEN r.status = 'error' THEN 'the logged call failed'
        WHEN r.half IS NOT NULL THEN 'the log holds half of the call'
        WHEN r.messages = '[]' THEN 'the log holds no messages'
        WHEN r.output = '[]' THEN 'the log holds no answer'
        WHEN contains(r.flags, '"truncated"') THEN 'the logger cut it off'
        WHEN contains(r.messages, '"type":"blob"') THEN 'it holds an image or a file, which the log does not'
    END AS barred
FROM requests r
JOIN audited USING (request_id)
JOIN predictions p ON p.content_hash = r.content_hash AND p.classifier = $classifier AND p.profile IS NOT NULL;
