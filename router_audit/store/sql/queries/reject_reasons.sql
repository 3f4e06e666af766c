SELECT reason, count(*) AS rejects, arg_min(file, (file, line)) AS file, arg_min(line, (file, line)) AS line
FROM rejects
GROUP BY reason
ORDER BY rejects DESC, reason;
