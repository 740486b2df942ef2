"""The tree of the target: no path leads out of it."""
