"""The tools for accounts: those on PATH, or those of the root that an initramfs starts.

A boot has no tools for accounts in its initramfs, where they and their libraries would be 1.8 MB. While the root is not
mounted, a list that was written with the initramfs says which of them the root has.
"""

from __future__ import annotations

import os

from provision.planning.root.account_files import PASSWD
from provision.system.programs import processes
from provision.system.programs.confinement import ACCOUNT_TOOLS, CONFINED, Confinement
from provision.system.root.guarded_paths import GuardedTree

LIST = "/usr/lib/provision/account-tools"
"""The tools for accounts of the system in which the initramfs was made, one a line (dracut/engine/collect.py).

Only an initramfs has it: elsewhere, as for `provision --stage` on a laptop, no programs of a root are run.
"""


def find(tool: str, root: str, *, foreign: bool, listed: str = LIST) -> str | None:
    """The path of a program on PATH; that of a tool for accounts may be in the root. None if it is in neither place.

    Programs of a `foreign` root are never run. Raises OSError if the root has it, but it cannot be started.
    """
    path = processes.find(tool)
    if path is not None or foreign or tool not in ACCOUNT_TOOLS or _is_this_machine(root):
        return path
    if not os.path.exists(listed):
        return None
    inside = _in_root(tool, root)
    if inside is not None or GuardedTree(root).file_status(PASSWD) is not None:
        return inside and root + inside
    return f"{root}/usr/sbin/{tool}" if tool in _listed(listed) else None


def confinement(tool: str, root: str, tree: str, *, foreign: bool, listed: str = LIST) -> Confinement | None:
    """How a program works on a tree; None if it needs no confinement. `root` is the target, `tree` that or a copy.

    A foreign root is not trusted: tools of this machine are confined to the tree. Of a root that is this machine's own,
    an initramfs uses the tools for accounts that it does not have. Raises OSError as `find`.
    """
    if foreign:
        kept = CONFINED.get(tool)
        return None if kept is None else Confinement(tree, kept)
    if tool not in ACCOUNT_TOOLS or _is_this_machine(root) or processes.find(tool) is not None:
        return None
    if not os.path.exists(listed):
        return None
    inside = _in_root(tool, root)
    return None if inside is None else Confinement(tree, programs=root, program=inside)


def _in_root(tool: str, root: str) -> str | None:
    from provision.system.programs import root_programs

    return root_programs.find(tool, root)


def _is_this_machine(root: str) -> bool:
    return os.path.realpath(root) == "/"


def _listed(path: str) -> list[str]:
    with open(path, encoding="ascii") as file:
        return file.read().split()
