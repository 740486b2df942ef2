"""The releases of distributions that a config can be written for: `--target`."""
