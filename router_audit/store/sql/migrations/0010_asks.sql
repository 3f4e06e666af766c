ALTER TABLE requests ADD COLUMN ask_hash VARCHAR;  -- of the user turn that a call of a session answers, to see it asked again
