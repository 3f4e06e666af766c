"""From any prompt record to the short texts and the numbers that a classifier may see."""
