"""cloud-config of CoreOS (the YAML of coreos-cloudinit) -> an Ignition config. It is loaded only for such a text."""
