"""Find a program of a root as that root itself would: no link leads out of it.

An absolute link of a root, as those of /etc/alternatives, names a path of that root, not one of this machine.
"""

from __future__ import annotations

import errno
import os
import stat

from provision.planning.machine_view import FileStatus
from provision.system.programs.confinement import TOOL_DIRECTORIES
from provision.system.programs.processes import USUAL_PATH
from provision.system.root.guarded_paths import GuardedTree, closing_descriptor


def find(tool: str, root: str) -> str | None:
    """The path of a program in a root, without links, searched in the usual directories; None if none of them has it.

    Raises OSError if they have it, but it cannot be started. The error says why; its file name is a path in the root.
    """
    tree = GuardedTree(root)
    unusable: OSError | None = None
    for folder in USUAL_PATH.split(":"):
        path = f"{folder}/{tool}"
        found = tree.file_status(path)
        if found is None:
            continue
        try:
            return _program(tree, path, found)
        except OSError as error:
            unusable = unusable or error
    if unusable is not None:
        raise unusable
    return None


def is_reachable(path: str) -> bool:
    """Whether a program at this path, which has no links, can be started in the confinement for programs of a root."""
    return path.startswith(tuple(f"{folder}/" for folder in TOOL_DIRECTORIES))


def _program(tree: GuardedTree, path: str, found: FileStatus) -> str:
    """The path of the program without links. Raises OSError."""
    try:
        fd = tree.open(path, os.O_PATH)
    except OSError as error:
        causes = {
            errno.ENOENT: f"is a link to {found.target}, which leads to no file in the root",
            errno.ELOOP: f"is a link to {found.target}, where links lead to each other",
        }
        raise OSError(error.errno, causes.get(error.errno or 0, error.strerror), path) from error
    with closing_descriptor(fd), tree.folder("/") as top:
        above, place = (os.readlink(f"/proc/self/fd/{one}") for one in (top, fd))
        inside = "/" + place[len(above) :].lstrip("/")
        if not stat.S_ISREG(os.fstat(fd).st_mode) or not os.access(f"/proc/self/fd/{fd}", os.X_OK):
            which = "" if inside == path else f"leads to {inside}, which "
            raise OSError(errno.EACCES, f"{which}is not an executable file", path)
    if not is_reachable(inside):
        raise OSError(errno.EACCES, f"leads to {inside}, and programs of the root are run in /usr and /bin only", path)
    return inside
