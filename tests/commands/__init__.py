"""Tests of the subcommands, started as processes."""

AS_NOBODY = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""Starts a program as the user nobody with the right to read all files: the interpreter may be in a private home."""

WITHOUT_RIGHTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
"""Starts a program as root without the right to ignore file permissions."""
