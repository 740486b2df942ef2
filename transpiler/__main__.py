"""`python -m transpiler` runs the command `transpile`."""

from transpiler.cli import main

main()
