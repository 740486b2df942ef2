"""Finds what is on a device by blkid's low-level probing (blkid(8), `-p`)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator

from provision.failures import Failure
from provision.planning.machine_view import Signature
from provision.system.block.sysfs import Block
from provision.system.programs import processes

_NO_DISK = ("fd", "loop", "ram", "sr", "zram")
"""How the names of devices begin that are no disks: floppy and optical drives, files, memory (Linux, devices.txt)."""

_ABSENT = {errno.ENOENT, errno.ENXIO, errno.ENOMEDIUM}
"""The errors of open(2) for a device without a node, and for a drive without a medium."""

_START = 68 << 10
"""Bytes at the start of a device in which most signatures are: that of btrfs is at 64 KiB."""

_NOTHING_FOUND = 2
_SEVERAL_FOUND = 8


class ProbeFailed(Failure):
    """blkid failed; the message is its output."""


def probe(path: str, offset: int = 0, size: int = 0) -> Signature:
    """The signature on a device or image, or on `size` bytes of it from `offset`. Raises OSError, ProbeFailed."""
    window = ["--offset", str(offset), "--size", str(size)] if size else []
    status, found = _blkid([*window, path])
    if status == _NOTHING_FOUND:
        _check_readable(path, offset)
    if status != _SEVERAL_FOUND:
        signature = _signature(found)
        if not signature.type:
            return signature
        from provision.system.block.half_made import is_half_made

        return signature._replace(unfinished=is_half_made(path, offset, signature.type))
    # `filesystem:ext4:1.0 filesystem:xfs`: usage, type and version of each, as ID_FS_AMBIVALENT has them
    first = found.get("ID_FS_AMBIVALENT", "").split(" ")[0].split(":")
    kind = first[1] if len(first) > 1 else ""
    return _signature(_blkid(["--match-types", kind, *window, path])[1])._replace(ambivalent=True)


def on_disks(blocks: Iterable[Block]) -> Iterator[tuple[str, Signature | None]]:
    """The node of each disk, partition and volume, and its signature, which is None if the device cannot be read.

    Devices without a node, and drives without a medium, are left out.
    """
    for block in blocks:
        if os.path.basename(block.node).startswith(_NO_DISK):
            continue
        try:
            yield block.node, probe(block.node)
        except OSError as error:
            if error.errno not in _ABSENT:
                yield block.node, None
        except ProbeFailed:
            yield block.node, None


def _check_readable(path: str, offset: int) -> None:
    """Raise ProbeFailed if the start cannot be read: blkid says then, without a message, that nothing is there."""
    device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.pread(device, _START, offset)
    except OSError as error:
        raise ProbeFailed(f"{path} cannot be read: {error.strerror}") from None
    finally:
        os.close(device)


def _signature(found: dict[str, str]) -> Signature:
    return Signature(found.get("ID_FS_TYPE", ""), found.get("ID_FS_LABEL_ENC", ""), found.get("ID_FS_UUID_ENC", ""))


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
