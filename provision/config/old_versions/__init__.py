"""Ignition 1 and 2.0 to 2.4: read, validated as Ignition 2.x does, and converted to the newest version of the model.

`validate` is the entry. Nothing here is loaded unless a config says that it is of such a version.
"""
