-- Replayed pairs with an answer that no person has graded yet.
SELECT s.request_id, s.candidate, s.profile, s.note, a.answer
FROM replays s
JOIN answers a ON a.ask_key = s.ask_key
WHERE a.status IN ('ok', 'refused', 'truncated', 'malformed')
  AND NOT EXISTS (
      SELECT 1 FROM trials t
      WHERE t.request_id = s.request_id AND t.candidate = s.candidate AND t.grader = 'human'
  )
ORDER BY s.request_id, s.candidate;
