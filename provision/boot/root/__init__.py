"""A root file system that the config makes anew: its content is kept in memory, and is in the new one afterwards."""
