"""Many kinds of machines, each booted: `make boot-matrix`, by hand, because it takes a quarter of an hour or more."""
