"""The files stage: accounts, nodes, units, crypttab, the result file and SELinux labels, in that order."""

from __future__ import annotations

from collections.abc import Iterator

from provision.actions import Wave
from provision.config.format import Config
from provision.failures import PlanRefused
from provision.observe import Observe
from provision.stages import accounts, crypttab, labels, nodes, passwd, result, units
from provision.stages.paths import resolve


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """Run the parts one after the other and note what they create, for the relabelling at the end."""
    _check(config, observe)
    changed: set[str] = set()
    for part in (
        passwd.plan(config, observe),
        nodes.plan(config, observe),
        units.plan(config, observe),
        crypttab.plan(config, observe),
        result.plan(observe),
    ):
        for wave in part:
            changed.update(labels.created(wave))
            yield wave
    changed.update(passwd.labelled(config, observe))
    yield from labels.relabel(changed, observe)


def _check(config: Config, observe: Observe) -> None:
    absent = [path for path in passwd.databases(config, observe) if observe.node(resolve(observe, path)) is None]
    if absent:
        raise PlanRefused([f"passwd: the root has no {path}" for path in absent], hint="is it the root of a system?")
    reasons = list(accounts.refusals(config, observe))
    missing = sorted(tool for tool in passwd.tools(config) if observe.tool(tool) is None)
    if reasons or missing:
        hint = "install the package passwd or shadow-utils" if missing else ""
        raise PlanRefused([*reasons, *(f"{tool} is not on PATH" for tool in missing)], hint=hint)
