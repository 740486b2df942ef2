"""Lines that go behind those which a file of the root has already."""

from __future__ import annotations

from collections.abc import Iterable

from provision.failures import PlanRefused
from provision.planning.actions import Content, Write
from provision.planning.machine_view import Kind, Observe
from provision.planning.target_paths import followed, missing_parents


def appended(path: str, lines: Iterable[str], observe: Observe, reason: str, mode: int = 0o644) -> Write:
    """Append to a file, or make it; a link leads to the file that is meant. Raises PlanRefused."""
    path = followed(observe, path)
    there = observe.node(path)
    if there is not None and there.kind is not Kind.FILE:
        raise PlanRefused([f"{reason}: {path} is a {there.kind.value}, and lines are to be added"], hint="move it away")
    known = observe.content(path) or b""
    begin = b"\n" if known and not known.endswith(b"\n") else b""
    contents = (Content(begin + "".join(f"{line}\n" for line in lines).encode()),)
    parents = missing_parents(observe, path)
    return Write(path, contents, mode, keep=there is not None, parents=parents, reason=reason)
