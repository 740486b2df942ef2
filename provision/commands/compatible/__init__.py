"""Programs that this one replaces under their own names: Ignition, Afterburn, coreos-cloudinit."""
