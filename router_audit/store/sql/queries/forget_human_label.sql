DELETE FROM labels WHERE labeller = 'human' AND content_hash = $content_hash;
