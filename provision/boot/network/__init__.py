"""The network that a first boot has in the initramfs: its settings go to the root, or it ends."""
