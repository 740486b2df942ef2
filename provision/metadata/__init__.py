"""What platforms say of a machine besides its config: attributes, host name, SSH keys, and the check-in.

`providers` is the table, `answers` has the services and drives that are asked, `names` the names of attributes.
Source of the facts: Afterburn's providers and documentation, and the platforms' own documentation.
"""
