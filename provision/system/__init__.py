"""The only package that starts programs, mounts file systems, and reads and writes devices and the target root."""
