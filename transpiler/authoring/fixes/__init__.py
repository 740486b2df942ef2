"""Edits that mend problems: `fixed` mends a text, `remedies` says which edit mends a problem."""
