"""`provision try`: a config, alive in a virtual machine."""
