"""Finds what is on a device by blkid's low-level probing (blkid(8), `-p`)."""

from __future__ import annotations

import os

from provision.failures import Failure
from provision.planning.machine_view import Signature
from provision.system.programs import processes

_NOTHING_FOUND = 2
_SEVERAL_FOUND = 8


class ProbeFailed(Failure):
    """blkid failed; the message is its output."""


def probe(path: str, offset: int = 0, size: int = 0) -> Signature:
    """The signature on a device or image, or on `size` bytes of it from `offset`. Raises OSError, ProbeFailed."""
    window = ["--offset", str(offset), "--size", str(size)] if size else []
    status, found = _blkid([*window, path])
    if status != _SEVERAL_FOUND:
        signature = _signature(found)
        return signature._replace(unfinished=_is_unfinished(path, offset, signature.type))
    # `filesystem:ext4:1.0 filesystem:xfs`: usage, type and version of each, as ID_FS_AMBIVALENT has them
    first = found.get("ID_FS_AMBIVALENT", "").split(" ")[0].split(":")
    kind = first[1] if len(first) > 1 else ""
    return _signature(_blkid(["--match-types", kind, *window, path])[1])._replace(ambivalent=True)


def table_kind(path: str) -> str | None:
    """The kind of partition table, empty for none; None if blkid finds several signatures and names no table.

    Raises OSError, ProbeFailed.
    """
    status, found = _blkid([path])
    return None if status == _SEVERAL_FOUND else found.get("ID_PART_TABLE_TYPE", "")


def _signature(found: dict[str, str]) -> Signature:
    return Signature(found.get("ID_FS_TYPE", ""), found.get("ID_FS_LABEL_ENC", ""), found.get("ID_FS_UUID_ENC", ""))


def _is_unfinished(path: str, offset: int, kind: str) -> bool:
    """Whether mkfs was interrupted: only for xfs and FAT, because all others write the signature last.

    xfs has a flag for it (`sb_inprogress`, xfs_dsb in Linux fs/xfs/libxfs/xfs_format.h). mkfs.fat writes the boot
    sector, then the tables, and each complete table begins with the boot sector's media byte.
    """
    if kind not in {"xfs", "vfat"}:
        return False
    with open(path, "rb") as device:
        head = os.pread(device.fileno(), 512, offset)
        if kind == "xfs":
            return head[126] != 0
        size = int.from_bytes(head[22:24], "little") or int.from_bytes(head[36:40], "little")
        first = int.from_bytes(head[14:16], "little")
        sector = int.from_bytes(head[11:13], "little")
        starts = (offset + (first + number * size) * sector for number in range(head[16]))
        return any(os.pread(device.fileno(), 1, start) != head[21:22] for start in starts)


def _blkid(argv: list[str]) -> tuple[int, dict[str, str]]:
    """Exit status and output of blkid, as udev's properties (ID_FS_TYPE and so on)."""
    os.close(os.open(argv[-1], os.O_RDONLY | os.O_CLOEXEC))  # blkid reports a device that it cannot open as empty
    done = processes.run(["blkid", "--probe", "--output", "udev", *argv])
    failed = done.status == _NOTHING_FOUND and done.output.strip()
    if failed or done.status not in {0, _NOTHING_FOUND, _SEVERAL_FOUND}:
        raise ProbeFailed(done.last_lines or f"blkid ended with status {done.status}")
    pairs = (line.partition("=") for line in done.output.splitlines())
    return done.status, {key: _decode(value) for key, _, value in pairs}


def _decode(value: str) -> str:
    r"""Decode `\xHH` in values of names that end in _ENC: only these keep every byte of a label."""
    first, *rest = value.encode(errors="surrogateescape").split(b"\\x")
    return (first + b"".join(bytes.fromhex(part[:2].decode()) + part[2:] for part in rest)).decode(errors="replace")
