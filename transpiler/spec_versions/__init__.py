"""A config in another version 3.x of the format, and what that version cannot say."""
