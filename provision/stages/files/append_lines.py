"""Appending lines to a file of the root."""

from __future__ import annotations

from collections.abc import Iterable

from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.arguments import Content
from provision.planning.file_actions import WriteFile
from provision.planning.machine_view import FileType, MachineView
from provision.planning.root.target_paths import followed, missing_parents


def append_lines(path: str, lines: Iterable[str], view: MachineView, config_path: Path, mode: int = 0o644) -> WriteFile:
    """Append to a file, or make it. A link is followed to its file. Raises PlanRefused for what is not a file."""
    path = followed(view, path)
    there = view.file_status(path)
    if there is not None and there.kind is not FileType.FILE:
        raise PlanRefused(
            [Problem(config_path, f"{path} is a {there.kind.value}: no lines can be added", rule="other-file-type")],
            hint="move it away",
        )
    known = view.content(path) or b""
    begin = b"\n" if known and not known.endswith(b"\n") else b""
    contents = (Content(begin + "".join(f"{line}\n" for line in lines).encode()),)
    parents = missing_parents(view, path)
    return WriteFile(path, contents, mode, keep=there is not None, parents=parents, config_path=config_path)
