"""The seam: the one package that starts programs, mounts, and reads and writes devices and the target root."""
