"""labellers."""
