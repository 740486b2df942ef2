"""Makes files of which a copy may lose something: `special_files.py FOLDER`; with `--show` it prints what they are."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import sys
from pathlib import Path
from typing import Any

ACL = struct.pack(
    "<I" + "HHI" * 5, 2, 1, 6, 0xFFFFFFFF, 2, 4, 1234, 4, 4, 0xFFFFFFFF, 16, 4, 0xFFFFFFFF, 32, 0, 0xFFFFFFFF
)
"""user::rw-, user:1234:r--, group::r--, mask::r--, other::--- (acl(5); <linux/posix_acl_xattr.h>)."""


def make(folder: Path) -> None:
    """Make them."""
    folder.mkdir()
    plain = folder / "plain"
    plain.write_bytes(os.urandom(5000))
    os.link(plain, folder / "second-name")
    os.setxattr(plain, "user.colour", b"green")
    os.setxattr(plain, "trusted.note", b"kept")
    os.chown(plain, 1234, 5678)
    plain.chmod(0o4751)
    acl = folder / "acl"
    acl.write_text("with an ACL")
    os.setxattr(acl, "system.posix_acl_access", ACL)
    with (folder / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(2 << 20)
        file.write(b"middle")
        file.truncate(8 << 20)
    capable = folder / "capable"
    capable.write_text("with a capability")
    os.setxattr(capable, "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    (folder / "link").symlink_to("../../no/where")
    os.mkfifo(folder / "fifo", 0o640)
    os.mknod(folder / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    sticky = folder / "sticky"
    sticky.mkdir()
    sticky.chmod(0o3770)
    for path in (*folder.iterdir(), folder):
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321), follow_symlinks=False)


def shown(folder: Path) -> dict[str, Any]:
    """Everything that a copy has to keep, by name."""
    return {str(path.relative_to(folder)): _node(path) for path in sorted([folder, *folder.rglob("*")])}


def _node(path: Path) -> list[Any]:
    found = path.lstat()
    # XFS shows ACLs once more, in a form of its own
    names = sorted(one for one in os.listxattr(path, follow_symlinks=False) if "SGI_ACL" not in one)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in names}
    is_file = stat.S_ISREG(found.st_mode)
    return [
        *(found.st_mode, found.st_uid, found.st_gid, found.st_rdev, found.st_mtime_ns, attributes),
        *((found.st_nlink, found.st_size, found.st_blocks < 1000, hash_of(path)) if is_file else ()),
        *((str(path.readlink()),) if path.is_symlink() else ()),
    ]


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    if sys.argv[1] == "--show":
        print(json.dumps(shown(Path(sys.argv[2]))))
    else:
        make(Path(sys.argv[1]))
