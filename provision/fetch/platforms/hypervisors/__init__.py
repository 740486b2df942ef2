"""Hypervisors that are asked for the config, each in its own language."""
