"""Block devices of the running kernel, and disk images that take their place."""
