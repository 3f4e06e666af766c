-- The samples that replays have ended.
SELECT route, candidate, arrived, planned FROM ended_samples;
