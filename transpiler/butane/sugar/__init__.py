"""Sugar: expand the shorthands of Butane to plain parts of a config."""
