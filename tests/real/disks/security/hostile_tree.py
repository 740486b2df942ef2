"""A hostile target tree: modules that are loaded as code, devices, FIFOs, and links that lead out of the tree.

Each function puts one kind of attack into a tree. The tree is a plain directory; `image_of` makes a disk image of it.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sysconfig
from pathlib import Path

from tests.real.disks.loop_devices import MIB

MODULE = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
    close(open("/loaded", O_WRONLY | O_CREAT, 0600));
    mkdir("/hole", 0700);
    if (chroot("/hole") == 0)
        for (int step = 0; step < 64; step++)
            if (chdir("..")) break;
    if (chroot(".") == 0) close(open(CANARY, O_WRONLY | O_CREAT, 0600));
}
"""
"""A name service module that shows in the tree that it was loaded, leaves the chroot and writes a file outside."""

LIBRARIES = ("lib", "lib64", "usr/lib", "usr/lib64", f"lib/{sysconfig.get_config_var('MULTIARCH')}")


def plain(root: Path) -> None:
    """The files that a root needs for accounts: those of this machine, with two accounts."""
    (root / "etc/skel").mkdir(parents=True)
    (root / "home").mkdir()
    for name, text, mode in (
        ("passwd", "root:x:0:0::/root:/bin/sh\nold:x:1000:1000::/home/old:/bin/sh\n", 0o644),
        ("group", "root:x:0:\nold:x:1000:\n", 0o644),
        ("shadow", "root:*:::::::\nold:*:::::::\n", 0o600),
        ("gshadow", "root:*::\nold:!::\n", 0o600),
        ("subuid", "", 0o644),
        ("subgid", "", 0o644),
        ("login.defs", "UID_MIN 1000\nGID_MIN 1000\nUSERGROUPS_ENAB yes\n", 0o644),
    ):
        (root / "etc" / name).write_text(text)
        (root / "etc" / name).chmod(mode)
    (root / "etc/skel/.profile").write_text("umask 022\n")


def add_name_service(root: Path, canary: Path) -> None:
    """Add a module for every name service; it leaves the chroot and writes `canary` when it is loaded."""
    module = root / "module.so"
    argv = ["cc", "-shared", "-fPIC", f'-DCANARY="{canary}"', "-x", "c", "-", "-o", str(module)]
    subprocess.run(argv, input=MODULE, text=True, check=True)
    for folder in LIBRARIES:
        (root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(module, root / folder / "libnss_hostile.so.2")
        shutil.copy(module, root / folder / "libsubid_hostile.so")
    module.unlink()
    names = ("passwd", "group", "shadow", "gshadow", "subid", "hosts", "initgroups")
    (root / "etc/nsswitch.conf").write_text("".join(f"{name}: hostile files\n" for name in names))


def add_special_files(root: Path, device: str) -> None:
    """Add, in the skeleton and elsewhere: a device node of this machine, FIFOs, sockets, set-id programs, links out."""
    number = os.stat(device).st_rdev
    for folder in (root / "etc/skel", root / "etc", root / "home"):
        os.mknod(folder / "disk", stat.S_IFBLK | 0o666, number)
        os.mkfifo(folder / "fifo")
        _socket(folder / "socket")
        shutil.copy("/bin/true", folder / "set-id")
        (folder / "set-id").chmod(0o6755)
        (folder / "out").symlink_to("/../../../../../../etc/shadow")


def replace(path: Path, kind: str, device: str) -> None:
    """Put something else in the place of a file."""
    path.unlink(missing_ok=True)
    if kind == "device":
        os.mknod(path, stat.S_IFBLK | 0o666, os.stat(device).st_rdev)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        _socket(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "huge":
        path.touch()
        os.truncate(path, 1 << 33)
    elif kind == "link out":
        path.symlink_to("/../../../../../../etc/" + path.name)
    else:
        raise AssertionError(kind)


def image_of(root: Path, image: Path) -> Path:
    """A file system with all that is in a tree, labelled ROOT, in an image without a partition table."""
    image.touch()
    os.truncate(image, 64 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "ROOT", "-d", str(root), str(image)], check=True)
    return image


def _socket(path: Path) -> None:
    directory = os.open(path.parent, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(f"/proc/self/fd/{directory}/{path.name}")  # the path itself may be too long for a socket
    finally:
        os.close(directory)
