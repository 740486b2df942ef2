"""The first-boot provisioning engine: what runs on the machine."""

__version__ = "0.1.0"

IGNITION_VERSION = "2.26.0"
"""The release of Ignition whose options and behaviour this engine has; programs and servers parse it."""
