"""The shorthands of Butane -> plain parts of a config."""
