"""This machine as a target of plans: its devices, and a root that is not known."""

from __future__ import annotations

from contextlib import ExitStack

from provision.commands.targets.root_seed import restored
from provision.commands.targets.target import Target
from provision.commands.targets.unknown_root import UnknownRoot
from provision.config.format import Config
from provision.stages import PLANNED, stage_plan
from provision.system.machine import Machine


def open_this_machine(config: Config, stack: ExitStack) -> Target:
    """The devices of this machine, released with `stack`; only for plans."""
    from provision.system.block.kernel_devices import KernelDevices

    machine = Machine("/", KernelDevices(), {})
    stack.callback(machine.release)
    view = UnknownRoot(machine, config)
    stages = [(name, stage_plan(name)) for name in PLANNED]
    stages.insert(PLANNED.index("files"), ("base", restored))
    target = Target(view, None, stages, view.unreadable)
    target.notes.append("the root is not known: its accounts and files are assumed; --root DIR plans for a tree")
    return target
