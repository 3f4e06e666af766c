-- Rows are compressed and written so many at a time: fewer than by default, for bodies of kilobytes fill memory.
ATTACH $path AS store (TYPE DUCKDB, ROW_GROUP_SIZE 30720);
