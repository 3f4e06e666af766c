"""Which logged LLM requests could a cheaper model serve, what would that save, and how sure are we."""
