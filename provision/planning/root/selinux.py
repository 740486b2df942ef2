"""SELinux labels. In an initramfs no policy is loaded, so setfiles(8) labels what is made there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.planning.actions import RunProgram, Wave
from provision.planning.arguments import PathList, TargetPath
from provision.planning.facts import FileFact
from provision.planning.machine_view import MachineView

SELINUX = "/etc/selinux/config"


def created(wave: Wave) -> Iterator[str]:
    """The outermost path that each action creates; everything below it is labelled with it."""
    for action in wave:
        made = [fact.name for fact in action.effect() if isinstance(fact, FileFact) and fact.value is not None]
        yield from made[:1]


def relabel(paths: Iterable[str], view: MachineView) -> Iterator[Wave]:
    """The wave that labels those of these paths that exist, with everything below them; none for a root without
    SELinux. Raises PlanRefused if the root has SELinux but setfiles is missing.
    """
    existing = tuple(path for path in sorted(set(paths)) if view.file_status(path) is not None)
    policy = _policy(view) if existing else None
    if policy is None:
        return
    if view.tool("setfiles") is None:
        raise PlanRefused(
            [Problem((), "setfiles is not on PATH, and the root has SELinux", rule="missing-tool")],
            hint="install policycoreutils",
        )
    contexts = f"/etc/selinux/{policy}/contexts/files/file_contexts"
    yield (
        RunProgram(
            f"set SELinux labels on what was written, because the root has {SELINUX}",
            ("setfiles", "-vF0", "-r", TargetPath("/"), TargetPath(contexts), "-f", "-"),
            frozenset({"selinux"}),
            stdin=PathList(existing),
        ),
    )


def _policy(view: MachineView) -> str | None:
    for line in (view.content(SELINUX) or b"").decode(errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "SELINUXTYPE":
            return value.strip()
    return None
