INSERT INTO merged_ids
SELECT DISTINCT staged.given_id, staged.call_id
FROM staged JOIN calls USING (call_id)
WHERE calls.selected AND staged.given_id <> staged.call_id
    AND NOT EXISTS (FROM merged_ids WHERE merged_ids.alias = staged.given_id);
