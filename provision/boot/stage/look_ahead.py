"""Which later stages a boot simulates before a stage that cannot be undone, and on which view of the machine."""

from __future__ import annotations

from collections.abc import Callable

from provision import stages
from provision.config.format import Config
from provision.engine.history import History
from provision.planning.machine_view import MachineView
from provision.planning.root.account_files import PASSWD
from provision.planning.root.unknown_root import MachineWithUnknownRoot, restored_root
from provision.planning.stage import Stage


def later_stages(
    stage: Stage, machine: MachineView, config: Config, history: Callable[[], History], *, names_root: bool
) -> tuple[tuple[Stage, ...], MachineView]:
    """The stages after this one that are not done yet, and the view of the machine on which they can be simulated.

    The view has the root file system if it exists and will not be replaced, else an unknown root. It is unknown too
    where the stage was started without one (`names_root` is false): `/` is not the system to provision then. After an
    interrupted run of the same config the view shows the root as it was before that run. Raises Interrupted if the
    record is of an unfinished run of another config.
    """
    to_come = _stages_to_come(stage)
    if not names_root or not _is_root_visible(machine, config):
        return to_come, MachineWithUnknownRoot(machine, config)
    past = history()
    left = tuple(one for one in to_come if not one.journalled) if past.finished(machine) else to_come
    return left, past.view(machine)


def _stages_to_come(stage: Stage) -> tuple[Stage, ...]:
    """The stages after this one, and before `files` a stage for what the distribution does to fill a new root."""
    later = stages.later_stages(stage.name)
    files = next((position for position, one in enumerate(later) if one.name == "files"), len(later))
    return (*later[:files], Stage("restored root", (restored_root,)), *later[files:])


def _is_root_visible(machine: MachineView, config: Config) -> bool:
    """Whether the root of the installed system is mounted, and the mount stage will not mount another one over it."""
    replaced = any(filesystem.path == "/" for filesystem in config.storage.filesystems)
    if replaced and machine.mount("/") is None:
        return False
    return machine.file_status(PASSWD) is not None
