"""Ask userdel or groupdel whether it would remove an account: it runs on copies of the account files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from posixpath import normpath

from provision.failures import Failure
from provision.planning.machine_view import OwnedHome
from provision.planning.root.account_files import GROUP, GSHADOW, PASSWD, SHADOW
from provision.system.programs import account_tools, processes
from provision.system.programs.program_watch import TRIAL

_LOCKED = {SHADOW: (PASSWD, b":*:::::::\n"), GSHADOW: (GROUP, b":*::\n")}
"""The file with the hashes -> the file with the names, and the rest of the line of an account without a password."""


def refuses(  # noqa: PLR0913 - what the tool is, and what it finds
    argv: Sequence[str],
    files: Mapping[str, bytes],
    home: OwnedHome | None,
    target: str,
    *,
    foreign: bool,
    listed: str = account_tools.LIST,
) -> bool:
    """Whether the tool fails for a reason of its own. True too if it cannot be tried (no such program, not root).

    `argv` has no `--root`. `files` are passwd and group, by path; no password is copied. `home` is a directory that the
    tool shall find. The tool is that which changes the accounts of the `target`, a root (account_tools.confinement).
    """
    from tempfile import TemporaryDirectory

    try:
        with TemporaryDirectory(prefix="provision-") as private:  # 0700: an owner of the home below cannot enter it
            root = f"{private}/root"
            _fill(root, files, home)
            confinement = account_tools.confinement(argv[0], target, root, foreign=foreign, listed=listed)
            tried = [argv[0], "--root", root, *argv[1:]]
            return processes.run(tried, confinement=confinement, watch=TRIAL).status != 0
    except (OSError, Failure):
        return True


def _fill(root: str, files: Mapping[str, bytes], home: OwnedHome | None) -> None:
    os.makedirs(f"{root}/etc")
    for path, content in files.items():
        _write(root + path, content)
    for path, (source, rest) in _LOCKED.items():
        names = (line.partition(b":")[0] for line in files.get(source, b"").split(b"\n") if b":" in line)
        _write(root + path, b"".join(name + rest for name in names))
    if home is not None:
        inside = root + normpath(f"/{home.path.lstrip('/')}")
        os.makedirs(inside, exist_ok=True)
        os.chown(inside, home.owner, -1)


def _write(path: str, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
