"""What a boot simulates before a stage that cannot be undone: all stages to come, as far as the root can be seen."""

from __future__ import annotations

from provision.config.format import Config
from provision.engine.history import FileHistory, digest_of, record_path
from provision.planning.account_files import PASSWD
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from provision.planning.unknown_root import MachineWithUnknownRoot, restored_root
from provision.stages import later_stages


def stages_to_come(stage: Stage) -> tuple[Stage, ...]:
    """The stages after this one, and what the distribution does between them to fill a new root."""
    later = later_stages(stage.name)
    files = next((position for position, one in enumerate(later) if one.name == "files"), len(later))
    return (*later[:files], Stage("restored root", (restored_root,)), *later[files:])


def view_of(machine: MachineView, config: Config, root: str) -> MachineView:
    """The machine as far as it can be seen: with its root, if that is there and stays, else with an unknown one.

    The root is seen as it was before an interrupted run of the same config. Raises Interrupted for a record of another.
    """
    if not _sees_root(machine, config):
        return MachineWithUnknownRoot(machine, config)
    return FileHistory(record_path(root, machine), digest_of(config)).view(machine)


def _sees_root(machine: MachineView, config: Config) -> bool:
    """Whether the root of the installed system is there, and the mount stage will not mount another one over it."""
    replaced = any(filesystem.path == "/" for filesystem in config.storage.filesystems)
    if replaced and machine.mount("/") is None:
        return False
    return machine.file_status(PASSWD) is not None
