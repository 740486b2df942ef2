"""A directory tree as a target: files, users and units only."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack

from provision.commands.targets.applied import without_done_actions
from provision.commands.targets.deployment import add_deployment_checks
from provision.commands.targets.target import Target, log_of, starting_state
from provision.config.format import Config
from provision.engine.history import FileHistory, digest_of, record_path
from provision.failures import Failure
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView
from provision.planning.stage import Plan, Stage
from provision.stages import load_stage
from provision.system.block.image_devices import ImageDevices
from provision.system.images.unfinished_images import locked_for_run
from provision.system.machine import Machine
from provision.system.root.record_file import RecordFile


def open_tree(arguments: argparse.Namespace, config: Config, stack: ExitStack, *, changing: bool) -> Target:
    """The directory tree of --root, released with `stack`. Raises Failure."""
    from secrets import token_hex
    from shutil import rmtree

    if not os.path.isdir(arguments.root):
        raise Failure(f"{arguments.root}: no such directory", hint="make the tree first, or unpack one there")
    if changing:
        stack.enter_context(locked_for_run(arguments.root))
    private = f"/run/provision/{token_hex(8)}"  # made only if something is stored there, so a killed run leaves nothing
    stack.callback(rmtree, private, ignore_errors=True)
    root = os.path.abspath(arguments.root)
    machine = Machine(root, ImageDevices({}), starting_state(), private, log_of(arguments))
    stack.callback(machine.release)
    target = Target(machine, machine, [_without_devices(load_stage("files"))])
    left = [name for name in DEVICES if getattr(config.storage, name)]
    if left:
        target.notes.append(f"--root applies files, users and units only; left out: storage.{', storage.'.join(left)}")
    file = RecordFile(os.path.abspath(arguments.root), record_path(machine))
    if changing or os.access(file.path, os.R_OK):
        _continue_or_compare(target, file.path, FileHistory(file, digest_of(config), OWNER))
    add_deployment_checks(target, root, config, changing=changing)
    return target


OWNER = "tree"
"""The owner in the record of a tree. A machine that boots from the tree later is another owner."""


DEVICES = ("disks", "raid", "luks", "filesystems")
"""The parts of `storage` that cannot be applied to a tree."""


def _without_devices(stage: Stage) -> Stage:
    """The stage without the devices of the config."""

    def restricted(part: Plan) -> Plan:
        def plan(config: Config, view: MachineView) -> Iterator[Wave]:
            storage = config.storage.changed(**dict.fromkeys(DEVICES, ()))
            return part(config.changed(storage=storage), view)

        return plan

    return stage._replace(parts=tuple(restricted(part) for part in stage.parts))


def _continue_or_compare(target: Target, path: str, history: FileHistory) -> None:
    """After an interrupted run of this config, continue it; after a finished one, do only what has changed since."""
    if history.ended:
        target.in_place = True
        target.stages = target.preview = tuple(without_done_actions(stage, target.unseen) for stage in target.stages)
        target.notes.append(f"this config was applied here before ({path}): what has changed since is done again")
        return
    target.open_history, target.view = lambda: history, history.view(target.view)
