"""Where each platform keeps the config of a machine."""
