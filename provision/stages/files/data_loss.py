"""What would be lost at a path of the root, in words."""

from __future__ import annotations

from collections.abc import Sequence

from provision.planning.actions import Bytes, Content
from provision.planning.machine_view import Kind, Observe


def replaced(observe: Observe, path: str, parts: Sequence[Bytes] | None = None, *, target: str | None = None) -> str:
    """What is lost when a file of these bytes, or a link to `target`, takes a path; empty if it is there already."""
    there = observe.node(path)
    if there is None or (target is not None and there.target == target):
        return ""
    if parts is not None and _holds(observe, path, parts):
        return ""
    return f"{there.kind.value} {path}" + (" with all below it" if there.kind is Kind.DIRECTORY else "")


def _holds(observe: Observe, path: str, parts: Sequence[Bytes]) -> bool:
    """Whether a file has exactly these bytes. It is read only where its size says that it may."""
    there = observe.node(path)
    known = [part.data for part in parts if isinstance(part, Content)]
    if there is None or there.kind is not Kind.FILE or len(known) != len(parts):
        return False
    return there.size == sum(map(len, known)) and observe.content(path) == b"".join(known)
