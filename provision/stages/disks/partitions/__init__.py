"""Partition tables: what the config asks for, what is there, and the one table that each disk gets."""
