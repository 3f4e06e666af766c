INSERT INTO migrations (name) VALUES ($name);
