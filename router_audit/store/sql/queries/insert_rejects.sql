INSERT INTO rejects BY NAME SELECT * FROM read_parquet($shards::VARCHAR[]);
