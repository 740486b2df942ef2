"""The programs that virtual machines need, and the Debian packages that have them."""

from __future__ import annotations

from collections.abc import Iterable

from provision.failures import Failure
from provision.system.programs.processes import find

QEMU = "qemu-system-x86_64"

PACKAGES = {
    QEMU: "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "newuidmap": "uidmap",
    "setpriv": "util-linux",
    "ssh-keygen": "openssh-client",
    "tar": "tar",
    "unshare": "util-linux",
}
"""Program -> Debian package."""


def require(programs: Iterable[str]) -> None:
    """Raises Failure, with the packages to install, if some of these programs are not on PATH."""
    missing = [program for program in programs if find(program) is None]
    if missing:
        are = "are" if len(missing) > 1 else "is"
        packages = " ".join(dict.fromkeys(PACKAGES[program] for program in missing))
        raise Failure(f"{', '.join(missing)} {are} not on PATH", hint=f"apt-get install {packages}")
