"""Ignition's programs that we stand in for: their options, their output, their exit codes."""
