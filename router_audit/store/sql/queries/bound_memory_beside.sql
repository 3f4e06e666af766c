-- While other processes decode. What does not fit spills beside the store.
SET memory_limit = '100MB';
