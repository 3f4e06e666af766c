"""Files that users keep: routing tables, trials, gold and labels. Whole or not at all."""
