"""A first boot: runs one stage, saves state for the next one, and shows why a stage failed."""
