"""Whether the file systems of the root have space for what is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from posixpath import dirname

from provision.config.problems import Problem
from provision.planning.actions import Action
from provision.planning.arguments import Content
from provision.planning.descriptions import size_text
from provision.planning.file_actions import RemovePath, WriteFile
from provision.planning.machine_view import MachineView


def refusals(actions: Iterable[Action], view: MachineView) -> Iterator[Problem]:
    """File systems that do not have space for what is written to them.

    Nothing is refused if a directory is removed: how much space that frees is not known.
    """
    actions = tuple(actions)
    if any(isinstance(action, RemovePath) for action in actions):
        return
    writes = [action for action in actions if isinstance(action, WriteFile)]
    sizes = {one.path: sum(len(part.data) for part in one.parts if isinstance(part, Content)) for one in writes}
    needed: Counter[str] = Counter()
    for path, size in sizes.items():
        needed[dirname(path)] += size
    free: dict[str, int] = {}
    folders: dict[str, list[str]] = {}
    for folder in needed:
        space = view.free_space(folder)
        if space is not None:
            free[space.device] = space.free
            folders.setdefault(space.device, []).append(folder)
    for device, there in folders.items():
        need = sum(needed[folder] for folder in there)
        if need > free[device]:
            need -= sum(_replaced(one, view) for one in writes if dirname(one.path) in there)
        if need > free[device]:
            config_path = next(one.config_path for one in writes if dirname(one.path) == there[0])
            room = f"has {size_text(free[device])} free"
            yield Problem(
                config_path,
                f"the file system of {there[0]} {room}, and {size_text(need)} are written to it",
                rule="free-space",
            )


def _replaced(write: WriteFile, view: MachineView) -> int:
    there = None if write.keep else view.file_status(write.path)
    return (there.size or 0) if there is not None else 0
