"""How the builtin labeller is made: its corpus, its features, its training."""
