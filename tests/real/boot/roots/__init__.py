"""A small Debian root for machines whose config makes the root file system anew."""
