"""The HTTP client of a first boot."""
