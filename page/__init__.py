"""The page on which a config can be tried in a browser: `make page` builds it."""
