"""This machine as a target of plans: its devices are known, its root file system is not."""

from __future__ import annotations

from contextlib import ExitStack

from provision.commands.targets.target import Target
from provision.config.format import Config
from provision.planning.boot_state import BootState
from provision.planning.root.unknown_machine import UnknownMachine
from provision.stages import all_stages
from provision.system.machine import Machine


def open_this_machine(config: Config, stack: ExitStack) -> Target:
    """The devices of this machine, released with `stack`; only for plans."""
    from provision.system.block.kernel_devices import KernelDevices

    machine = Machine("/", KernelDevices(), BootState())
    stack.callback(machine.release)
    view = UnknownMachine(machine, config)
    target = Target(view, None, all_stages(), view.unreadable)
    target.root_is_known = False
    target.notes.append("the root file system is not known: its files are assumed; --root DIR plans for a tree")
    return target
