SELECT file, line, source, reason, excerpt FROM rejects ORDER BY file, line, reason LIMIT $limit;
