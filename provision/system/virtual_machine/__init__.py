"""Virtual machines: qemu, its accelerator, and a root of Debian to boot."""
