"""Block devices: those of the running kernel, and disk images in their place."""
