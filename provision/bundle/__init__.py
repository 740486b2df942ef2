"""Bundles: what a plan was made of, in one file without secrets, so that it can be made again on another machine."""
