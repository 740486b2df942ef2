"""Run as a directory or a module: the same as the script `provision`."""

from provision.cli import main

main()
