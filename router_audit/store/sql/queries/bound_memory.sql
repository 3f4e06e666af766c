-- What does not fit spills beside the store.
SET memory_limit = $limit;
