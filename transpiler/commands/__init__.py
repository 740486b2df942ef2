"""Subcommands of `transpile` and their options."""
