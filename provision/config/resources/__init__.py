"""Resources of a config: the URL, the bytes, and contents that the config itself holds."""
