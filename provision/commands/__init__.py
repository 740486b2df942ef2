"""Subcommands, one module each: NAME, HELP, configure(parser) and run(arguments) -> exit code.

The docstring of a module is the description that its `--help` shows.
"""
