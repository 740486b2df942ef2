"""Encrypted volumes: made, opened, bound."""
