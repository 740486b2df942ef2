"""What a folder holds after a run, without what an undisturbed run makes differently each time: times, random ids."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

RESULT = "etc/.ignition-result.json"
STATE = "state"
"""The state file holds the time, and a seed that may be random."""

DATE = re.compile(rb'"provisioningDate": "[^"]*"')
_CHANGED = re.compile(rb"(?m)^([^:\n]*:[^:\n]*:)\d+")
"""The day of the last change of a password (shadow(5))."""

_SHOWN = 200

Contents = dict[str, object]
"""Path -> what is there."""


def contents_of_tree(folder: Path) -> Contents:
    """Type, mode, owner, content, other name (of a hard link) and extended attributes of each path below a folder."""
    nodes: Contents = {}
    names: dict[tuple[int, int], str] = {}
    for path in sorted(folder.rglob("*")):
        name, found = str(path.relative_to(folder)), path.lstat()
        first = names.setdefault((found.st_dev, found.st_ino), name)
        attributes = tuple(
            (key, os.getxattr(path, key, follow_symlinks=False)) for key in os.listxattr(path, follow_symlinks=False)
        )
        what: object = None
        if stat.S_ISLNK(found.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(found.st_mode):
            data = _without_time(name, path.read_bytes())
            what = data if len(data) < _SHOWN else hashlib.sha256(data).hexdigest()
        nodes[name] = (oct(found.st_mode), found.st_uid, found.st_gid, what, first if first != name else "", attributes)
    return nodes


def _without_time(name: str, data: bytes) -> bytes:
    if name.endswith(("etc/shadow", "etc/shadow-")):
        return _CHANGED.sub(rb"\1", data)
    return DATE.sub(b"", data) if name.endswith(RESULT) else b"" if name == STATE else data
