"""Container Linux Config (the YAML of the program ct) -> Ignition 2.3.0. It is loaded only for such a config."""
