"""`coreos-cloudinit`: reads user data from a source, and applies it to the running system, or only validates it."""
