"""Kernel arguments of the installed system, set by the distribution's helper (it reboots if anything changed)."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config
from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.planning.actions import RunProgram, Wave
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage

HELPER = "ignition-kargs-helper"


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """One call with all arguments that should exist, then those that should not, in config order.

    Raises PlanRefused if the machine has no helper that changes them.
    """
    wanted = config.kernel_arguments
    if wanted.is_empty:
        return
    if view.tool(HELPER) is None:
        raise PlanRefused(
            [Problem(("kernelArguments",), f"{HELPER} is not on PATH", rule="missing-tool")],
            hint="write /etc/provision-kargs.conf and build the initramfs again, or leave kernelArguments out",
        )
    arguments = [word for value in wanted.should_exist for word in ("--should-exist", value)]
    arguments += [word for value in wanted.should_not_exist for word in ("--should-not-exist", value)]
    yield (
        RunProgram(
            "set kernel arguments",
            (HELPER, *arguments),
            frozenset({"kernel-arguments"}),
            config_path=("kernelArguments",),
        ),
    )


STAGE = Stage("kargs", (plan,), irreversible=True)
