"""Block devices: of the running kernel, or disk images in their place."""
