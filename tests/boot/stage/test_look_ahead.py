"""What is simulated before a stage that cannot be undone, and what is seen of the root."""

from __future__ import annotations

import pytest

from provision.boot.stage.look_ahead import later_stages
from provision.config.format import Config, Filesystem, Storage
from provision.engine.history import History, NoHistory
from provision.planning.machine_view import MountedFilesystem
from provision.planning.root.unknown_root import MachineWithUnknownRoot
from provision.stages import load_stage
from tests.stages.world import World

NEW_ROOT = Config(storage=Storage(filesystems=(Filesystem(device="/dev/vda1", format="ext4", path="/"),)))
DATA = Config(storage=Storage(filesystems=(Filesystem(device="/dev/vda1", format="ext4", path="/data"),)))


class Finished(NoHistory):
    def finished(self, _system: object) -> bool:
        return True


def with_root() -> World:
    return World().with_file("/etc/passwd")


def looked_at(
    world: World, config: Config, history: type[History] = NoHistory, *, names_root: bool = True
) -> tuple[list[str], bool]:
    """The stages to come, and whether the root is known."""
    stages, view = later_stages(load_stage("disks"), world, config, history, names_root=names_root)
    return [stage.name for stage in stages], not isinstance(view, MachineWithUnknownRoot)


def test_all_later_stages_are_simulated_in_their_order() -> None:
    assert looked_at(World(), Config())[0] == ["mount", "restored root", "files", "umount"]
    names = [
        stage.name for stage in later_stages(load_stage("kargs"), World(), Config(), NoHistory, names_root=True)[0]
    ]
    assert names == ["disks", "mount", "restored root", "files", "umount"]


def test_what_an_earlier_run_has_finished_is_not_simulated_again() -> None:
    assert looked_at(with_root(), Config(), Finished)[0] == ["mount", "restored root", "umount"]


@pytest.mark.parametrize(
    ("world", "config", "known"),
    [
        (World(), Config(), False),
        (with_root(), Config(), True),
        (with_root(), DATA, True),
        (with_root(), NEW_ROOT, False),
    ],
)
def test_the_root_is_used_where_it_is_there_and_stays(world: World, config: Config, known: bool) -> None:
    assert looked_at(world, config)[1] == known


def test_a_stage_that_names_no_root_does_not_take_this_system_for_it() -> None:
    assert not looked_at(with_root(), Config(), names_root=False)[1]


def test_a_root_of_the_config_that_is_mounted_already_stays() -> None:
    world = with_root()
    world.mounts["/"] = MountedFilesystem("/", "/dev/vda1", "ext4")
    assert looked_at(world, NEW_ROOT)[1]
