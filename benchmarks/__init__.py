"""Figures that are claimed somewhere, each printed by a script of its own; see RESULTS.md."""
