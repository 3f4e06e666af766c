"""The profile classifier: fitted, applied, measured, and its other form, a prompt."""
