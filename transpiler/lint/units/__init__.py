"""Lints of systemd units, drop-ins and quadlets.

`unit_text` finds their texts and judges whole units, `settings` their lines, `references` the units that they name.
"""
