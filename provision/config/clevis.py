"""How clevis unlocks a volume, as far as the config says it."""

from __future__ import annotations

from provision.config.format import Luks


def has_clevis(luks: Luks) -> bool:
    """Whether clevis unlocks the volume."""
    clevis = luks.clevis
    return bool(clevis.custom.pin or clevis.tang or clevis.tpm2 or clevis.threshold)


def unlocking_needs_network(luks: Luks) -> bool:
    """Whether opening the volume needs the network at every boot."""
    return bool(luks.clevis.tang or (luks.clevis.custom.pin and luks.clevis.custom.needs_network))
