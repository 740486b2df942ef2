"""Where the disks stage keeps the keys of encrypted volumes for the files stage."""

from __future__ import annotations

from provision.config.format import Luks
from provision.planning.arguments import Blob

ZKEY_REPOSITORY = "/etc/zkey/repository"
"""Where zkey(1) keeps secure keys of IBM Z, in the initramfs and in the installed system."""

ZKEY_ENDINGS = ("info", "skey")
"""The endings of the two files of a secure key; the installed system needs both."""


def key_blob(luks: Luks) -> Blob:
    """The blob with the key of a volume."""
    return Blob(f"luks-key-{luks.name}")


def secure_key_name(luks: Luks) -> str:
    """The name of a volume's secure key in the repository."""
    return f"ignition-luks-{luks.name}"


def secure_key_blobs(luks: Luks) -> dict[str, Blob]:
    """Path in the installed system -> blob, for the files of a volume's secure key."""
    name = secure_key_name(luks)
    return {f"{ZKEY_REPOSITORY}/{name}.{end}": Blob(f"{name}.{end}") for end in ZKEY_ENDINGS}
