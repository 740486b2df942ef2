"""Make one tree of a config whose parts are in several files, variables, the environment and secrets.

`compose` runs between the reading of the YAML text and its decoding. Everything is done on trees, never on text, so a
value cannot change the structure of a config. Each node keeps the place where the author wrote it.
"""
