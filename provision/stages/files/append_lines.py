"""Lines that go behind those which a file of the root has already."""

from __future__ import annotations

from collections.abc import Iterable

from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.actions import Content, WriteFile
from provision.planning.machine_view import FileType, MachineView
from provision.planning.target_paths import followed, missing_parents


def appended(path: str, lines: Iterable[str], view: MachineView, config_path: Path, mode: int = 0o644) -> WriteFile:
    """Append to a file, or make it; a link leads to the file that is meant. Raises PlanRefused."""
    path = followed(view, path)
    there = view.file_status(path)
    if there is not None and there.kind is not FileType.FILE:
        raise PlanRefused(
            [Problem(config_path, f"{path} is a {there.kind.value}, and lines are to be added")], hint="move it away"
        )
    known = view.content(path) or b""
    begin = b"\n" if known and not known.endswith(b"\n") else b""
    contents = (Content(begin + "".join(f"{line}\n" for line in lines).encode()),)
    parents = missing_parents(view, path)
    return WriteFile(path, contents, mode, keep=there is not None, parents=parents, config_path=config_path)
