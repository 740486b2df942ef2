"""The files stage: accounts, nodes, units, crypttab, the result file and SELinux labels, in that order."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config
from provision.failures import PlanRefused
from provision.planning import selinux as labels
from provision.planning.actions import Wave
from provision.planning.machine_view import Observe
from provision.planning.stage import InTurn
from provision.planning.target_paths import resolve
from provision.stages.files import account_checks as accounts
from provision.stages.files import crypttab, nodes, passwd, units
from provision.stages.files import result_file as result


def _accounts(config: Config, observe: Observe) -> Iterator[Wave]:
    absent = [path for path in passwd.databases(config) if observe.node(resolve(observe, path)) is None]
    if absent:
        raise PlanRefused([f"passwd: the root has no {path}" for path in absent], hint="is it the root of a system?")
    reasons = list(accounts.refusals(config, observe))
    missing = sorted(tool for tool in passwd.tools(config) if observe.tool(tool) is None)
    if reasons or missing:
        hint = "install the package passwd or shadow-utils" if missing else ""
        raise PlanRefused([*reasons, *(f"{tool} is not on PATH" for tool in missing)], hint=hint)
    yield from passwd.plan(config, observe)


def _result(_config: Config, observe: Observe) -> Iterator[Wave]:
    yield from result.plan(observe)


class _Labelled(InTurn):
    """Parts that are noted what they create, for the relabelling at the end."""

    def __call__(self, config: Config, observe: Observe) -> Iterator[Wave]:
        changed: set[str] = set()
        for wave in super().__call__(config, observe):
            changed.update(labels.created(wave))
            yield wave
        changed.update(passwd.labelled(config, observe))
        yield from labels.relabel(changed, observe)


plan = _Labelled(_accounts, nodes.plan, units.plan, crypttab.plan, _result)
"""Everything is labelled when it is there."""
