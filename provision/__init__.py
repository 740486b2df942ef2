"""The first-boot provisioning engine: what runs on the machine."""

__version__ = "0.1.0"
