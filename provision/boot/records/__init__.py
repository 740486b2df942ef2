"""The record that a first boot is done: in a file system or in the firmware, and of which machine it is."""
