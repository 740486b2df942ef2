"""Reference pages and schemas, generated from the tables of the format, the variants and the platforms."""
