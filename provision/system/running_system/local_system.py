"""This machine as a source of configs: kernel interfaces, drives, programs of hypervisors."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from provision.failures import FetchFailed
from provision.fetch.running_system import Control, MessageDevice, SystemPaths
from provision.fetch.settings import CONFIG_LIMIT
from provision.planning import device_names
from provision.planning.machine_view import FileType
from provision.system.programs import processes
from provision.system.root.guarded_paths import GuardedTree
from provision.system.running_system import channels
from provision.system.running_system.drives import SHARE, external_bus, has_disc, mounted_drive
from provision.system.running_system.uevents import DeviceEvents

if TYPE_CHECKING:
    from socket import socket

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.ENODEV, errno.ENOMEDIUM})

SHARES = "/sys/bus/virtio/drivers/9pnet_virtio"
"""Where the kernel shows the folders that QEMU shares by 9p (Documentation/filesystems/9p.rst)."""

EPOCHS = ("/usr/lib/clock-epoch", "/etc/os-release")
"""Files whose modification time cannot be in the future; the first is systemd's (systemd-timesyncd.service(8))."""


class LocalSystem:
    """This machine. `root` is put before every path, so that a tree can be read in place of the machine."""

    def __init__(self, paths: SystemPaths | None = None, root: str = "") -> None:
        self.paths = paths or SystemPaths()
        self._root = root.rstrip("/")
        self._events = DeviceEvents()

    def path(self, path: str) -> str:
        """The path with the root before it; a relative path is relative to the working directory."""
        return f"{self._root}{path}" if path.startswith("/") else path

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, in a single read(2) if possible; None if there is no file. Raises FetchFailed."""
        try:
            fd = os.open(self.path(path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise FetchFailed(path, error.strerror or "cannot be read") from error
        return _whole(fd, path)

    def read_text(self, path: str) -> str:
        """The text of a file; empty if there is no file. Raises FetchFailed."""
        return (self.read(path) or b"").decode("utf-8", "replace")

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted by their bytes; none without a directory. Raises FetchFailed."""
        try:
            return tuple(sorted(os.listdir(self.path(path)), key=os.fsencode))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise FetchFailed(path, error.strerror or "cannot be read") from error

    def drive(self, label: str) -> str | None:
        """The device whose file system has a label; None if there is none.

        A folder that the hypervisor shares with this label as its tag is one too (`9p:TAG`).
        """
        self._events.listen()
        link = self.path(device_names.link("by-label", label))
        if os.path.exists(link):
            return os.path.realpath(link)
        tags = (self.read_text(f"{SHARES}/{name}/mount_tag") for name in self.names(SHARES))
        return f"{SHARE}{label}" if label in {tag.rstrip("\0\n") for tag in tags} else None

    def optical_drives(self) -> tuple[str, ...]:
        """The nodes of CD drives that have a readable disc. Raises FetchFailed."""
        self._events.listen()
        found = (self.path(f"/dev/{name}") for name in self.names("/sys/class/block") if name.startswith("sr"))
        return tuple(node for node in found if has_disc(node))

    def read_from(
        self,
        device: str,
        path: str,
        *,
        formats: Sequence[str] = (),
        options: Sequence[str] = (),
        whole_way: bool = False,
    ) -> bytes | None:
        """The bytes of one file on a drive, which is mounted read-only in a private folder; no link leads out of it.

        `options` are further options for mounting it.

        None if there is no such file. Raises FetchFailed if the drive cannot be mounted or read, and with `whole_way`
        BrokenPath if the path cannot be followed, which otherwise counts as a missing file.
        """
        with mounted_drive(device, ",".join(formats) or "auto", options) as root:
            data = read_below(root, path, f"{device}: ")
            if data is None and whole_way and (broken := broken_way(root, path)):
                raise BrokenPath(f"{device}: {path}", broken)
            return data

    def await_change(self, seconds: float) -> None:
        """Wait until the kernel or udev reports an event of a device, at most `seconds`."""
        self._events.wait(seconds)

    def set_clock_to_build_date(self) -> str:
        """If the clock is before the day of the build, set it to that day. Returns a message, or empty if it is later.

        A machine with an empty battery boots in 1970, when no certificate is valid yet.
        """
        import time

        floor = max(_changed(path) for path in (__file__, *EPOCHS))
        if self._root or time.time() >= floor:
            return ""
        try:
            time.clock_settime(time.CLOCK_REALTIME, floor)
        except OSError as error:
            return f"the clock is before the day of the build, and cannot be set: {error.strerror}"
        return f"the clock was before the day of the build: set to {time.strftime('%Y-%m-%d', time.gmtime(floor))}"

    def external_bus(self, device: str) -> str:
        """The bus that attaches a block device from outside the machine, by sysfs; empty if none does."""
        return external_bus(self.path("/sys"), device)

    def device(self, path: str) -> AbstractContextManager[MessageDevice]:
        """A device node, open for messages. Raises OSError."""
        return channels.message_device(self.path(path))

    def control(self, path: str) -> AbstractContextManager[Control]:
        """A device node, open for ioctl(2). Raises OSError."""
        return channels.control_device(self.path(path))

    def vsock(self, cid: int, port: int, seconds: float | None, own_ports: Sequence[int] = ()) -> socket:
        """A connection by vsock(7); `seconds` bounds each wait, None is without limit. Raises OSError."""
        return channels.vsock(cid, port, seconds, own_ports)

    @contextmanager
    def private_folder(self) -> Iterator[str]:
        """A new folder below /run."""
        with channels.private_folder(self.path("/run")) as folder:
            yield folder.removeprefix(self._root)

    def load_module(self, name: str) -> None:
        """Run modprobe(8). Its errors are ignored, because the driver may be built in, or the hardware missing."""
        if not self._root and processes.find("modprobe"):
            processes.run(["modprobe", "--quiet", "--", name])

    def has_program(self, name: str) -> bool:
        """Whether the program is on PATH."""
        return processes.find(name) is not None

    def run(self, *argv: str, given: bytes = b"") -> bytes | None:
        """The standard output of a program that succeeded. Raises FetchFailed if it is larger than a config may be."""
        if processes.find(argv[0]) is None:
            return None
        try:
            return processes.output_of(argv, given, CONFIG_LIMIT)
        except ValueError as error:
            raise FetchFailed(argv[0], f"its output is larger than the limit of {CONFIG_LIMIT >> 20} MiB") from error

    def unzstd(self, raw: bytes) -> Iterator[bytes] | None:
        """The contents of zstd frames, by libzstd, whatever the root is."""
        from provision.system.zstd import unzstd

        return unzstd(raw)


def read_below(folder: str, path: str, shown: str) -> bytes | None:
    """The bytes of a file below a folder, out of which no link leads; None if there is none.

    Raises FetchFailed; `shown` stands before the path in it. Only regular files are opened, so a pipe does not block.
    """
    try:
        fd = GuardedTree(folder).open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise FetchFailed(f"{shown}{path}", error.strerror or "cannot be read") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise FetchFailed(f"{shown}{path}", "is not a regular file")
    return _whole(fd, f"{shown}{path}")


class BrokenPath(FetchFailed):
    """A path on a drive cannot be followed: a link on it leads to nothing, or a part of it is not a directory."""


def broken_way(folder: str, path: str) -> str:
    """Why a path below a folder cannot be followed; empty if it can, or if a part of it simply does not exist."""
    tree = GuardedTree(folder)
    parts = path.strip("/").split("/")
    for count in range(1, len(parts) + 1):
        here = "/" + "/".join(parts[:count])
        node = tree.file_status(here)
        if node is None:
            return ""
        last = count == len(parts)
        if node.kind is FileType.LINK and not _leads_to(tree, here, os.O_PATH if last else os.O_PATH | os.O_DIRECTORY):
            what = "nothing" if last else "no directory"
            return f"{here} is a link to {node.target}; {what} is there, unless another file system is mounted first"
        if node.kind not in {FileType.LINK, FileType.DIRECTORY} and not last:
            return f"{here} is not a directory"
    return ""


def _leads_to(tree: GuardedTree, link: str, flags: int) -> bool:
    try:
        os.close(tree.open(link, flags))
    except OSError:
        return False
    return True


def _whole(fd: int, name: str) -> bytes:
    """All bytes of a descriptor, which is closed after that. For a regular file of known size one read(2) is enough."""
    try:
        size = os.fstat(fd).st_size if stat.S_ISREG(os.fstat(fd).st_mode) else 0
        whole = bytearray()
        while part := os.read(fd, max(size + 1 - len(whole), 1 << 16)):
            whole += part
            if len(whole) > CONFIG_LIMIT:
                raise FetchFailed(name, f"larger than the limit of {CONFIG_LIMIT >> 20} MiB")
        return bytes(whole)
    except OSError as error:
        raise FetchFailed(name, error.strerror or "cannot be read") from error
    finally:
        os.close(fd)


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
