"""The subcommand `transpile check`, and the options, settings and output of the commands."""
