"""The identity of this machine: UUID and serial numbers of SMBIOS types 1 and 2, as Linux shows them in sysfs."""

from __future__ import annotations

from provision.fetch.running_system import RunningSystem

FILES = tuple(f"/sys/class/dmi/id/{name}" for name in ("product_uuid", "product_serial", "board_serial"))


def identifying_words(running_system: RunningSystem) -> tuple[str, ...]:
    """The UUID and serial numbers of this machine, in lower case; empty where the firmware gives none.

    A value of one repeated character is ignored: firmware without a number gives only zeros or only Fs.
    """
    texts = (running_system.read_text(file).strip().lower() for file in FILES)
    return tuple(text for text in texts if len(set(text) - {"-"}) > 1)


def machine_identity(running_system: RunningSystem) -> str:
    """A digest of `identifying_words` for records on a disk: 32 hexadecimal digits; empty if there are no words."""
    from hashlib import sha256

    words = identifying_words(running_system)
    return sha256("\n".join(words).encode()).hexdigest()[:32] if words else ""
