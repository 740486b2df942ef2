"""Conversion of a config between versions of the format (`transpile convert`)."""
