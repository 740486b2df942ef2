"""A small Debian root whose initramfs opens its LUKS volume."""
