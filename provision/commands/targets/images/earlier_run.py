"""Continues after an earlier `apply` to the same image, by the record of that run on the image's root file system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.commands.targets.applied import as_applied, without_done_actions
from provision.commands.targets.target import Target
from provision.config.format import Config
from provision.engine.history import FileHistory, digest_of, record_path
from provision.failures import Failure, Interrupted
from provision.planning.actions import Wave
from provision.planning.forecast import Forecast
from provision.planning.machine_view import MachineView, TreeContents
from provision.planning.stage import Plan, Stage

OWNER = "image"
"""The owner in the record of an image. A machine that boots from the image has another owner, and ignores it."""


class _ReadOnlyRecord(NamedTuple):
    """A `RecordFile` in a file system that is not mounted; it cannot be written."""

    path: str
    data: bytes | None

    def read(self) -> bytes | None:
        """The whole content; None if there is no file."""
        return self.data

    def write(self, _offset: int, _data: bytes, *, wait: bool = True) -> None:
        """The file system is not mounted."""
        raise Failure(f"{self.path}: cannot be written (wait={wait})")

    def replace(self, _data: bytes) -> None:
        """The file system is not mounted."""
        raise Failure(f"{self.path}: cannot be written")


def continue_earlier_run(target: Target, config: Config, view: MachineView) -> None:
    """Change the stages of a target to what is not done yet, if an earlier run applied this config to it.

    Raises Interrupted if a run with another config was not finished.
    """
    contents = _root(target, config, view)
    history = _history(contents, config) if contents is not None else None
    if history is None:
        return
    if history.ended:
        target.notes.append("this config was applied to this image before: what has changed since is done again")
        target.open_history = None
        target.stages = tuple(_after_finished_run(stage, target) for stage in target.stages)
        target.preview = target.stages
    elif history.interrupted:
        target.notes.append("an earlier run of this config was interrupted, and is continued")
        target.preview = tuple(
            _after_interrupted_run(stage, history) if stage.journalled else stage for stage in target.stages
        )


def _root(target: Target, config: Config, view: MachineView) -> TreeContents | None:
    """The contents of the config's root file system; None if it does not exist or cannot be read."""
    name = next((one.device for one in config.storage.filesystems if one.path == "/"), None)
    device = view.device(name) if name else None
    return target.contents_of(device.name) if device else None


def _history(contents: TreeContents, config: Config) -> FileHistory | None:
    """The history in the record; None if the run was not finished and the config wipes the root file system."""
    path = record_path(contents)
    storage = config.storage
    wiped = any(disk.wipe_table for disk in storage.disks)
    wiped |= any(one.wipe_filesystem or False for one in storage.filesystems if one.path == "/")
    try:
        history = FileHistory(_ReadOnlyRecord(f"{path} in the image", contents.content(path)), digest_of(config), OWNER)
    except Interrupted:
        if wiped:
            return None
        raise
    return None if wiped and not history.ended else history


def _after_finished_run(stage: Stage, target: Target) -> Stage:
    """The stage after a finished run. Plans for disks compare with the machine themselves; files are compared here."""
    if stage.journalled:
        return without_done_actions(stage, target.unseen)

    def again(part: Plan) -> Plan:
        return lambda config, view: part(as_applied(config), view)

    return stage._replace(parts=tuple(again(part) for part in stage.parts))


def _after_interrupted_run(stage: Stage, history: FileHistory) -> Stage:
    """The stage for a simulation after an interrupted run: its plans see the files as they were before that run."""

    def before(part: Plan) -> Plan:
        def plan(config: Config, view: MachineView) -> Iterator[Wave]:
            earlier = history.view(view)
            for wave in part(config, earlier):
                yield wave
                if isinstance(earlier, Forecast):
                    earlier.apply(fact for action in wave for fact in action.effect())

        return plan

    return stage._replace(parts=tuple(before(part) for part in stage.parts))
