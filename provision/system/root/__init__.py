"""The file tree of the target; no path and no link leads out of it."""
