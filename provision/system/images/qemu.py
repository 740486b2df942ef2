"""Image formats of virtual machines, opened as a raw file by QEMU's storage daemon (qemu-storage-daemon(1), FUSE)."""

from __future__ import annotations

import os
import stat
import time

from provision.failures import Failure
from provision.system.images.daemon import NEEDED, Daemon
from provision.system.images.formats import DRIVERS
from provision.system.programs import processes
from provision.system.programs.sandbox import make_fuse_node

DAEMON = "qemu-storage-daemon"
TOOL = "qemu-img"

_INSTALL = f"install {DAEMON} and {TOOL} (Debian: qemu-utils; Fedora: qemu-img and qemu-storage-daemon)"
_START_SECONDS = 30.0
_STOP_SECONDS = 600.0
"""Seconds that the daemon may take to write the rest of its data."""


class QemuFailed(Failure):
    """QEMU could not open or write an image; the message is its output."""


def check_installed(image: str, name: str) -> None:
    """Raises QemuFailed, with what to install, if the programs for this format are missing."""
    missing = [tool for tool in (DAEMON, TOOL, *NEEDED) if processes.find(tool) is None]
    if missing:
        are = "are" if len(missing) > 1 else "is"
        raise QemuFailed(f"{image}: a {name} image, and {' and '.join(missing)} {are} not on PATH", hint=_INSTALL)


def check_unused(image: str, name: str) -> None:
    """Raises QemuFailed for an image that a virtual machine has open, or that QEMU cannot read."""
    done = processes.run([TOOL, "info", "-f", DRIVERS[name], "--output=json", "--", os.path.abspath(image)])
    if done.status != 0:
        hint = "stop the virtual machine that uses it, or work on a copy" if "lock" in done.output else ""
        raise QemuFailed(f"{image}: {_reason(done)}", hint=hint)


def create(path: str, name: str, size: int) -> None:
    """Make an empty image of `size` bytes in the place of an empty file. Raises QemuFailed."""
    done = processes.run([TOOL, "create", "-q", "-f", DRIVERS[name], "--", os.path.abspath(path), str(size)])
    if done.status != 0:
        raise QemuFailed(f"{path}: {_reason(done)}")


class Export:
    """A raw view of an image: the regular file `path`, until `close` or `drop`. Raises QemuFailed.

    The view is a mount. `folder` has to be a shared mount (mount_namespaces(7)) in a mount namespace of this process.
    So the view ends with this process, even if it is killed. Make all views before a file system is mounted from one
    of them (see `daemon`).
    """

    def __init__(self, image: str, name: str, folder: str, *, writable: bool) -> None:
        self.path = os.path.join(folder, f"view{len(os.listdir(folder))}")
        self._image = image
        self._open = True
        with open(self.path, "xb"):
            pass
        make_fuse_node()
        self._daemon = Daemon(_command(image, name, self.path, writable=writable))
        try:
            self._wait_until_mounted()
        except BaseException:
            self.drop()
            raise

    def close(self) -> None:
        """Let the daemon write everything and end. Raises QemuFailed if that fails."""
        if not self._open:
            return
        done = self.drop()
        if done.status:
            raise QemuFailed(f"{self._image}: {_reason(done)}")

    def drop(self) -> processes.Finished:
        """End the daemon; how it ended, and its output."""
        self._open = False
        return self._daemon.stop(_STOP_SECONDS)

    def _wait_until_mounted(self) -> None:
        """Wait for the daemon, which does not report when it is ready: its mount changes st_dev of the file."""
        before = os.stat(os.path.dirname(self.path)).st_dev
        deadline = time.monotonic() + _START_SECONDS
        while (found := os.stat(self.path)).st_dev == before:
            if self._daemon.ended:
                raise QemuFailed(f"{self._image}: {_reason(self._daemon.stop(0))}")
            if time.monotonic() > deadline:
                raise QemuFailed(f"{self._image}: {DAEMON} did not open it in {_START_SECONDS:g} s")
            time.sleep(0.002)
        if not stat.S_ISREG(found.st_mode):
            raise QemuFailed(f"{self._image}: {DAEMON} does not show it as a file")


def _command(image: str, name: str, path: str, *, writable: bool) -> list[str]:
    read_only, can_write = ("off", "on") if writable else ("on", "off")
    access = f"read-only={read_only},discard=unmap"
    return [
        DAEMON,
        *("--blockdev", f"driver=file,node-name=file,filename={option_value(image)},{access}"),
        *("--blockdev", f"driver={DRIVERS[name]},node-name=disk,file=file,{access}"),
        *("--export", f"type=fuse,id=view,node-name=disk,mountpoint={option_value(path)},writable={can_write}"),
    ]


def option_value(path: str) -> str:
    """A path as the value of an option: a comma in it is written twice (qemu(1))."""
    return os.path.abspath(path).replace(",", ",,")


def _reason(done: processes.Finished) -> str:
    """QEMU's message, without the names of the program and of the option."""
    said = done.last_lines or f"QEMU ended with status {done.status}"
    for program in (DAEMON, TOOL):
        said = said.removeprefix(f"{program}: ")
    return said
