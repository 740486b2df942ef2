"""The file tree of the target, out of which no path leads."""
