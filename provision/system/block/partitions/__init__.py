"""Partition tables on a device, and telling the kernel about them."""
