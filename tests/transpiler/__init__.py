"""The author's side."""
