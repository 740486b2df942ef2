"""Disk images as files: what format a file has, and formats of virtual machines opened through QEMU."""
