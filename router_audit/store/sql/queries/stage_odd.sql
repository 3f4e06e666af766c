-- The records of calls that several records tell, or that are stored and now better known.
CREATE OR REPLACE TEMP TABLE odd AS
SELECT staged.place, staged.call_id, calls.place AS first_place, staged.body_bytes
FROM staged JOIN calls USING (call_id)
WHERE calls.selected AND ((NOT calls.stored AND NOT calls.single) OR calls.improves);
