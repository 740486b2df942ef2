"""A first boot that failed: its cause, shown on the consoles."""
