"""Disk images as a target: their options, formats, new roots, and earlier runs on them."""
