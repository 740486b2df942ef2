"""`python -m transpiler` is `transpile`."""

from transpiler.cli import main

main()
