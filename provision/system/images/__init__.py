"""Disk images as files: recognises their formats, and opens formats of virtual machines through QEMU."""
