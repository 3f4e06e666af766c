-- Blocks that come and go are not asked of the system each time.
SET block_allocator_memory = '64MB';
