"""Lints of the contents that other programs read: unit settings, network files, sudoers, sshd, keys, links, places.

`tables` has the names that those programs know; `files` chooses the judge of a file by its path.
"""
