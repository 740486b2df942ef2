"""Tests of the subcommands, run as people run them."""

WITHOUT_RIGHTS = ("unshare", "--user")
"""Starts a program as nobody, though it may still read what its owner may (an interpreter in a private home folder)."""
