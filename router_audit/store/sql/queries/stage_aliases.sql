-- Identities that were merged into a stored call on another day.
UPDATE staged SET call_id = merged_ids.request_id FROM merged_ids WHERE merged_ids.alias = staged.given_id;
