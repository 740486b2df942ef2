"""What the stages of one boot tell each other, or a run is started with: the names, and what each holds."""

from __future__ import annotations

from provision.config.format import Luks
from provision.planning.actions import Blob
from provision.planning.machine_view import MachineView

SEED = "seed"
"""A text from which follows what the config leaves open: UUIDs of partitions, arrays, volumes and file systems."""

BOOT_ID = "boot-id"
"""A text: which boot provisions this machine (`/proc/sys/kernel/random/boot_id`)."""

NOW = "now"
"""A text: when it does so (RFC 3339)."""

USER_CONFIG = "user-config-provided"
"""A truth: there is a user's config, beside those of the system."""

PLAIN_KEYS = "authorized-keys-file"
"""A truth: sshd does not read fragments, keys go to `.ssh/authorized_keys`."""

DIRECTORIES = "directories"
"""Paths of directories made for mount points: new users' homes take them over."""

MOUNTED = "mounted"
"""Paths of mount points that were mounted here: what was mounted before stays."""

PLATFORM_FILES = "platform-files"
"""Path in the target -> data URL: what a platform hands over only once a boot."""


def luks_device(volume: str) -> str:
    """A text for each volume: the device it is on, for the config's name may be a link that making it took away."""
    return f"luks-device-{volume}"


def text(view: MachineView, name: str) -> str:
    """The text under a name; empty if nothing was remembered."""
    known = view.recall(name)
    return known if isinstance(known, str) else ""


def truth(view: MachineView, name: str) -> bool:
    """Whether it was remembered to be so."""
    return view.recall(name) is True


def paths(view: MachineView, name: str) -> tuple[str, ...]:
    """The paths under a name; none if nothing was remembered."""
    known = view.recall(name)
    return known if isinstance(known, tuple) else ()


REPOSITORY = "/etc/zkey/repository"

KEPT = ("info", "skey")
"""The endings of the two files of a secure key, which the installed system needs too."""


def key_name(luks: Luks) -> str:
    """The name of the secure key in the repository."""
    return f"ignition-luks-{luks.name}"


def kept_blobs(luks: Luks) -> dict[str, Blob]:
    """The files of the secure key that the installed system needs, by their paths, and where their bytes are kept."""
    return {f"{REPOSITORY}/{key_name(luks)}.{end}": Blob(f"{key_name(luks)}.{end}") for end in KEPT}


def key_blob(luks: Luks) -> Blob:
    """Under which name the key of a volume is kept from the disks stage to the files stage."""
    return Blob(f"luks-key-{luks.name}")
