"""Which trials to make, what they prove, and whether a table follows from them."""
