"""This machine as a target of plans: its devices are known, its root file system is not."""

from __future__ import annotations

from contextlib import ExitStack

from provision.commands.targets.target import Target
from provision.commands.targets.unknown_machine import UnknownMachine
from provision.config.format import Config
from provision.planning.boot_state import BootState
from provision.planning.root.unknown_root import restored_root
from provision.planning.stage import Stage
from provision.stages import STAGES, load_stage
from provision.system.machine import Machine


def open_this_machine(config: Config, stack: ExitStack) -> Target:
    """The devices of this machine, released with `stack`; only for plans."""
    from provision.system.block.kernel_devices import KernelDevices

    machine = Machine("/", KernelDevices(), BootState())
    stack.callback(machine.release)
    view = UnknownMachine(machine, config)
    stages = [load_stage(name) for name in STAGES]
    stages.insert(STAGES.index("files"), Stage("base", (restored_root,)))
    target = Target(view, None, stages, view.unreadable)
    target.root_is_known = False
    target.notes.append("the root file system is not known: its files are assumed; --root DIR plans for a tree")
    return target
