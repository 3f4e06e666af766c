"""router-audit: find out which of your logged LLM requests a cheaper model can serve."""
