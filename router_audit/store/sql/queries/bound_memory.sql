-- What does not fit spills beside the store; blocks that come and go are not asked of the system each time.
SET block_allocator_memory = '64MB';
SET memory_limit = $limit;
