SELECT content_hash, profile FROM labels WHERE labeller = 'human' ORDER BY content_hash;
