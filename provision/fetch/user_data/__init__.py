"""User data -> a config: decompressed, then read as JSON, YAML, a cloud-config, or a script."""
