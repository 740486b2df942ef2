"""`python3 -m provision`, or Python on the directory: does the same as the script `provision`."""

from provision.cli import main

main()
