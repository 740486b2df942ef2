"""The text about what is lost when a path of the root is replaced."""

from __future__ import annotations

from collections.abc import Sequence

from provision.planning.arguments import Bytes, Content
from provision.planning.machine_view import FileType, MachineView


def replaced(view: MachineView, path: str, parts: Sequence[Bytes] | None = None, *, target: str | None = None) -> str:
    """What is lost when a file with these bytes, or a link to `target`, replaces something; empty for nothing."""
    there = view.file_status(path)
    if there is None or (target is not None and there.target == target):
        return ""
    if parts is not None and _holds(view, path, parts):
        return ""
    return f"{there.kind.value} {path}" + (" with all below it" if there.kind is FileType.DIRECTORY else "")


def _holds(view: MachineView, path: str, parts: Sequence[Bytes]) -> bool:
    """Whether a file has exactly these bytes. It is read only if it has the right size."""
    there = view.file_status(path)
    known = [part.data for part in parts if isinstance(part, Content)]
    if there is None or there.kind is not FileType.FILE or len(known) != len(parts):
        return False
    return there.size == sum(map(len, known)) and view.content(path) == b"".join(known)
