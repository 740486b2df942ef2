"""Problems of an author's text as reports: with the line and a caret, and without secrets."""
