"""The files stage: accounts, nodes, units, crypttab, the result file and SELinux labels, in that order."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config
from provision.failures import PlanRefused
from provision.planning import selinux
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView
from provision.planning.stage import InTurn
from provision.planning.target_paths import resolve
from provision.stages.files import account_checks, crypttab, nodes, passwd, result_file, units


def _accounts(config: Config, view: MachineView) -> Iterator[Wave]:
    absent = [path for path in passwd.databases(config) if view.file_status(resolve(view, path)) is None]
    if absent:
        raise PlanRefused([f"passwd: the root has no {path}" for path in absent], hint="is it the root of a system?")
    reasons = list(account_checks.refusals(config, view))
    missing = sorted(tool for tool in passwd.tools(config) if view.tool(tool) is None)
    if reasons or missing:
        hint = "install the package passwd or shadow-utils" if missing else ""
        raise PlanRefused([*reasons, *(f"{tool} is not on PATH" for tool in missing)], hint=hint)
    yield from passwd.plan(config, view)


def _result(_config: Config, view: MachineView) -> Iterator[Wave]:
    yield from result_file.plan(view)


class _Labelled(InTurn):
    """Parts that are noted what they create, for the relabelling at the end."""

    def __call__(self, config: Config, view: MachineView) -> Iterator[Wave]:
        changed: set[str] = set()
        for wave in super().__call__(config, view):
            changed.update(selinux.created(wave))
            yield wave
        changed.update(passwd.labelled(config, view))
        yield from selinux.relabel(changed, view)


plan = _Labelled(_accounts, nodes.plan, units.plan, crypttab.plan, _result)
"""Everything is labelled when it is there."""
