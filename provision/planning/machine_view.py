"""What a plan can see of a machine: one read-only view (`MachineView`), and the values that it returns.

- Device names are as the config writes them (`/dev/vda`, `/dev/disk/by-partlabel/data`, `/dev/md/data`). `device`
  resolves one; all other questions use the canonical name of its answer (`Device.name`).
- Paths are absolute inside the target root (`/etc/hostname`, never `/sysroot/etc/hostname`), and links on the way are
  not followed: `provision.planning.root.target_paths.resolve_path` says where a path leads.

A forecast is also a `MachineView`: the facts of planned actions (`provision.planning.facts`) replace its answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from provision.planning.boot_state import BootState


class Device(NamedTuple):
    """A block device.

    `size` is in bytes, `sector` is the logical sector size in bytes. `in_use` says why the device must not be written
    (mounted, held by another device), or is empty. An `assumed` device is not there yet: it is taken for blank, and
    only its existence can be verified. `mapper` is the name of a device-mapper device (`/sys/class/block/*/dm/name`),
    else empty. The kernel refuses writes to a device that is `read_only`.
    """

    name: str
    size: int
    sector: int = 512
    in_use: str = ""
    assumed: bool = False
    mapper: str = ""
    read_only: bool = False


ASSUMED_SIZE = 1 << 40
"""The size in bytes taken for a device that is not there: large enough for any layout."""


class PartitionEntry(NamedTuple):
    """An entry of a partition table. `start` and `size` are in logical sectors; GUIDs are upper-case."""

    number: int
    start: int
    size: int
    type: str
    guid: str
    label: str = ""
    attributes: int = 0


class PartitionTable(NamedTuple):
    """A partition table. `kind` is `gpt`, `dos` and so on; empty if there is none.

    A GPT has a `first` and a `last` usable sector and room for `entries` partitions (128 from all common tools).
    `remains` says that a disk without a table has the copy of a GPT at its end; some tools would find and use it.
    """

    kind: str
    guid: str = ""
    sector: int = 512
    first: int = 0
    last: int = 0
    partitions: tuple[PartitionEntry, ...] = ()
    entries: int = 128
    remains: bool | None = False


UNPROTECTED = "gpt without its protective MBR"
"""The kind of a GPT without its protective MBR: tools do not read it, but the table is complete, so a plan does not
treat it as absent.
"""


class Signature(NamedTuple):
    """What is on a device, as blkid sees it: `type` is `ext4`, `crypto_LUKS` and so on; empty for nothing.

    If there are several signatures, it is the first one that blkid reports (`blkid_do_probe`), and `ambivalent` is set.
    In a forecast a `label` or `uuid` that the tool will choose is None. A file system is `unfinished` if the program
    that made it was stopped in the middle.
    """

    type: str = ""
    label: str | None = ""
    uuid: str | None = ""
    ambivalent: bool = False
    unfinished: bool = False


class LuksHeader(NamedTuple):
    """The header of a LUKS volume: its version, its persistent flags (as `allow-discards`), the kinds of its tokens.

    `opened` is the device-mapper name under which it is open now, or empty. A volume is `keyless` if no key can open
    it, because the program that made it was stopped in the middle. In a forecast flags that cannot be known are None.
    """

    version: int
    flags: tuple[str, ...] | None = ()
    tokens: tuple[str, ...] = ()
    opened: str = ""
    keyless: bool = False


class FileType(Enum):
    """Kinds of nodes in a file system."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


class FileStatus(NamedTuple):
    """The status of a file, directory or link of the target root; a link is not followed (lstat(2)).

    A part that cannot be known is None: parts in a forecast, and the mode on a file system without modes (vfat). Only
    regular files have a `size` (bytes). Hard links of one file have the same `identity`.
    """

    kind: FileType
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    target: str | None = None
    size: int | None = None
    identity: tuple[int, int] | None = None


class Account(NamedTuple):
    """A user or group of the target root. In a forecast a value that the tool will choose is None."""

    name: str
    id: int | None
    gid: int | None = None
    home: str | None = ""
    shell: str | None = ""


class OwnedHome(NamedTuple):
    """A home directory in a tree, and the id of its owner."""

    path: str
    owner: int


class FreeSpace(NamedTuple):
    """Free space of a file system: a name that only this file system has, and the bytes that root may still write."""

    device: str
    free: int


class MountedFilesystem(NamedTuple):
    """A file system mounted in the target root; `device` is a canonical name."""

    path: str
    device: str
    format: str


class TreeContents(Protocol):
    """Files and accounts of one tree, read only: the target root, or one file system."""

    def file_status(self, path: str) -> FileStatus | None:
        """The node at a path of the target root whose parents are real directories; None if there is none."""
        ...

    def children(self, path: str) -> Sequence[str]:
        """Sorted names in a directory of the target root; empty if there is none."""
        ...

    def content(self, path: str) -> bytes | None:
        """The bytes of a small regular file of the target root (at most 16 MiB); None if there is none."""
        ...

    def user(self, name: str) -> Account | None:
        """The account of that name in the target root's passwd."""
        ...

    def group(self, name: str) -> Account | None:
        """The group of that name in the target root's group file."""
        ...

    def free_space(self, path: str) -> FreeSpace | None:
        """The free space on the file system of a directory, or of the nearest existing directory above it.

        None where that does not tell what fits: on a file system that compresses data, or that is not known.
        """
        ...

    def enabled(self, unit: str) -> bool:
        """Whether systemd has the unit enabled in the target root (`systemctl is-enabled`)."""
        ...


class MachineView(TreeContents, Protocol):
    """A machine, read only."""

    def device(self, name: str) -> Device | None:
        """The block device of that name, by any of its names; None if there is none."""
        ...

    def table(self, name: str) -> PartitionTable:
        """The partition table on the device with that canonical name; kind "" if there is none."""
        ...

    def signature(self, name: str) -> Signature:
        """What is on the device with that canonical name."""
        ...

    def luks_header(self, name: str) -> LuksHeader | None:
        """The LUKS header on the device with that canonical name; None if there is none."""
        ...

    def host_file(self, path: str) -> bytes | None:
        """The bytes of a small file of the running system (not the target root): sysfs, keys in an initramfs."""
        ...

    def host_children(self, path: str) -> Sequence[str]:
        """Sorted names in a directory of the running system; empty if there is none."""
        ...

    def mount(self, path: str) -> MountedFilesystem | None:
        """The file system mounted at exactly this path of the target root."""
        ...

    def mounts_below(self, path: str) -> Sequence[str]:
        """The mount points below this directory of the target root."""
        ...

    def tool(self, name: str) -> str | None:
        """Where a program is found: on PATH, tools for accounts also in the target root.

        Raises ActionFailed, whose output says why, if the root has the tool, but it cannot be started.
        """
        ...

    def mkfs_refusal(self, argv: Sequence[str], size: int) -> str:
        """The error of a mkfs program for an empty device of `size` bytes; empty if it has none.

        `argv` does not hold the device. The result is also empty if the program is not installed.
        """
        ...

    def account_refusal(self, argv: Sequence[str], files: Mapping[str, bytes], home: OwnedHome | None = None) -> bool:
        """Whether userdel or groupdel fails on these account files, with that home directory.

        `argv` does not hold the root. `files` are passwd and group, by path. True too if the tool cannot be tried.
        """
        ...

    def boot_state(self) -> BootState:
        """The state that earlier stages of this boot left, or that this run was started with."""
        ...


MAX_LINKS = 40
"""How many links may be followed on the way to one path (as the kernel's ELOOP, path_resolution(7))."""


def is_id(text: str) -> bool:
    """Whether a field of passwd(5) or group(5) is a number as the C library reads it: at most ten ASCII digits."""
    return len(text) <= 10 and text.isascii() and text.isdecimal()
