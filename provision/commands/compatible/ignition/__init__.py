"""Ignition's programs, which this program can replace: their options, their output, their exit codes."""
