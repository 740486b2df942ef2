"""Tools that change an author's text: `fixes` finds the edits that mend problems, `text_edits` applies them."""
