"""Lints of the contents that other programs read, and of the places where they go.

`tables` has the names that those programs know; `files` has a judge for each kind of file.
"""
