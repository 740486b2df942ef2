"""Hypervisors that are asked for the config, each by its own protocol."""
