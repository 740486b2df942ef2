"""Tests of the subcommands, run as people run them."""

AS_NOBODY = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""Starts a program as nobody, who may read everything: the interpreter may lie in a private home folder."""

WITHOUT_RIGHTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
"""Starts a program as root that may only do what an owner may."""
