"""Lints of files that a program of the machine reads: `judges` chooses the judge of a file by its path."""
