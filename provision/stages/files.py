"""The files stage: accounts, nodes, units, crypttab, the result file and SELinux labels, in that order."""

from __future__ import annotations

from collections.abc import Iterator

from provision.actions import Place, Places, Run, Wave
from provision.config.format import Config
from provision.failures import PlanRefused
from provision.observe import Observe
from provision.stages import accounts, crypttab, nodes, passwd, result, units
from provision.stages.paths import resolve

SELINUX = "/etc/selinux/config"


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """Run the parts one after the other and note what they create, for the relabelling at the end."""
    _check(config, observe)
    labels: dict[str, bool] = {}
    for part in (
        passwd.plan(config, observe),
        nodes.plan(config, observe),
        units.plan(config, observe),
        crypttab.plan(config, observe),
        result.plan(observe),
    ):
        for wave in part:
            labels.update(dict.fromkeys(_created(wave), True))
            yield wave
    yield from _relabel(sorted(labels), observe)


def _check(config: Config, observe: Observe) -> None:
    absent = [path for path in passwd.databases(config, observe) if observe.node(resolve(observe, path)) is None]
    if absent:
        raise PlanRefused([f"passwd: the root has no {path}" for path in absent], hint="is it the root of a system?")
    reasons = list(accounts.refusals(config, observe))
    missing = sorted(tool for tool in passwd.tools(config) if observe.tool(tool) is None)
    if reasons or missing:
        hint = "install the package passwd or shadow-utils" if missing else ""
        raise PlanRefused([*reasons, *(f"{tool} is not on PATH" for tool in missing)], hint=hint)


def _created(wave: Wave) -> Iterator[str]:
    """The outermost path that each action brings about: what lies below is labelled with it."""
    for action in wave:
        made = [fact.name for fact in action.effect() if fact.kind == "node" and fact.value is not None]
        yield from made[:1]
        if any(fact.kind in {"user", "group"} for fact in action.effect()):
            yield from ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid")


def _relabel(paths: list[str], observe: Observe) -> Iterator[Wave]:
    """setfiles reads NUL-separated paths; a root without SELinux needs nothing."""
    policy = _policy(observe)
    if not paths or policy is None:
        return
    if observe.tool("setfiles") is None:
        raise PlanRefused(["setfiles is not on PATH, and the root has SELinux"], hint="install policycoreutils")
    existing = tuple(path for path in paths if observe.node(path) is not None)
    contexts = f"/etc/selinux/{policy}/contexts/files/file_contexts"
    yield (
        Run(
            "label what was written for SELinux",
            ("setfiles", "-vF0", "-r", Place("/"), Place(contexts), "-f", "-"),
            frozenset({"selinux"}),
            reason=f"{SELINUX} of the root",
            stdin=Places(existing),
        ),
    )


def _policy(observe: Observe) -> str | None:
    for line in (observe.content(SELINUX) or b"").decode(errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "SELINUXTYPE":
            return value.strip()
    return None
