"""Finds out from a plan of the disks stage whether it replaces the root file system, and by which device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from provision.boot.root.layers import FORMATS
from provision.engine.preflight import Step
from provision.planning.actions import Action, RunProgram, WritePartitionTable
from provision.planning.device_names import BY_CONTENTS, kernel_partition, of_signature
from provision.planning.facts import DeviceFact, SignatureFact
from provision.planning.machine_view import Device, MachineView, Signature


class Replacement(NamedTuple):
    """What a plan makes of the root file system.

    `name` is the device that `root=` names, `old` the device that this is now. `new` is the device that it will be, and
    `made` the file system that the plan makes there; both are None if the plan makes none. The old one is `lost` if the
    plan erases it.
    """

    name: str
    old: Device
    found: Signature
    lost: bool
    new: Device | None
    made: Signature | None


def replacement(steps: Sequence[Step], name: str, view: MachineView) -> Replacement | None:
    """What the disks stage makes of the root file system on the device `name`.

    None if there is no such device, or if the plan neither erases it nor makes another file system of that name.
    """
    old = view.device(name)
    if old is None:
        return None
    actions = [step.action for step in steps if step.stage == "disks"]
    found = view.signature(old.name)
    lost = any(_erases(action, old.name, found) for action in actions)
    new, made = _successor(actions, name, old, view)
    if not lost and (new is None or new.name == old.name):
        return None
    return Replacement(name, old, found, lost, new, made)


def _erases(action: Action, name: str, found: Signature) -> bool:
    """Whether an action erases what was found on the device `name`."""
    if isinstance(action, RunProgram):
        return any(one == name or is_partition(name, one) for one in action.on)
    if not isinstance(action, WritePartitionTable):
        return False
    if action.device == name:
        return True
    changed = any(isinstance(fact, DeviceFact) and fact.name == name for fact in action.facts)
    # a partition that begins where the old one did has what the old one had
    return changed and not any(isinstance(fact, SignatureFact) and fact.value == found for fact in action.facts)


def is_partition(name: str, disk: str) -> bool:
    """Whether the kernel's name of a device is that of a partition of this disk."""
    number = name.removeprefix(disk).removeprefix("p" if disk[-1:].isdigit() else "")
    return name.startswith(disk) and number.isdecimal() and name == kernel_partition(disk, int(number))


def _successor(
    actions: Sequence[Action], name: str, old: Device, view: MachineView
) -> tuple[Device | None, Signature | None]:
    """The device on which the plan makes a file system that `name` leads to, and this file system."""
    facts = [fact for action in actions for fact in action.effect()]
    programs = [action for action in actions if isinstance(action, RunProgram)]
    devices = {fact.value.name: fact.value for fact in facts if isinstance(fact, DeviceFact) and fact.value}
    leads_to = {fact.name: fact.value for fact in facts if isinstance(fact, DeviceFact)}.get(name, old)
    made = {fact.name: fact.value for one in programs for fact in one.effect() if isinstance(fact, SignatureFact)}
    for device, signature in made.items():
        named = (
            name in of_signature(signature) if name.startswith(BY_CONTENTS) else leads_to and leads_to.name == device
        )
        if named and signature.type in FORMATS:
            return devices.get(device) or view.device(device), signature
    return None, None
