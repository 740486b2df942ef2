"""Mounting outermost first, unmounting innermost first, and refusals for things in the way."""

from __future__ import annotations

import pytest

from provision.config.format import Config, Filesystem, Storage
from provision.failures import PlanRefused
from provision.planning.actions import Mount, RunProgram, Unmount, UpdateBootState
from provision.planning.arguments import PathList
from provision.planning.file_actions import MakeDirectory
from provision.planning.machine_view import MountedFilesystem
from provision.stages import mount, umount
from tests.stages.world import STATE, World, actions, run


def config(*filesystems: Filesystem) -> Config:
    return Config(storage=Storage(filesystems=filesystems))


def filesystem(path: str, device: str = "/dev/vda1", kind: str = "ext4") -> Filesystem:
    return Filesystem(device=device, path=path, format=kind)


def test_depth_decides_the_order() -> None:
    world = World().with_device("/dev/vda1", 1).with_device("/dev/vdb", 1).with_device("/dev/vdc", 1)
    world.with_directory("/var")
    given = config(filesystem("/var/lib/x", "/dev/vda1"), filesystem("/", "/dev/vdb"), filesystem("/var", "/dev/vdc"))
    waves, forecast = run(mount.plan, given, world)
    assert [action.path for action in actions(waves) if isinstance(action, Mount)] == ["/", "/var", "/var/lib/x"]
    waves, _ = run(umount.plan, given, forecast)
    assert [action.path for action in actions(waves) if isinstance(action, Unmount)] == ["/var/lib/x", "/var", "/"]


def test_made_mount_points_are_remembered() -> None:
    world = World(state=STATE._replace(made_directories=("/before",))).with_device("/dev/vda1", 1)
    waves, _ = run(mount.plan, config(filesystem("/var/lib")), world)
    made, remember, mounted, again = actions(waves)
    assert made == MakeDirectory("/var/lib", parents=("/var",), config_path=("storage", "filesystems", 0))
    assert isinstance(remember, UpdateBootState)
    assert remember.state == STATE._replace(made_directories=("/before", "/var", "/var/lib"))
    assert isinstance(mounted, Mount)
    assert isinstance(again, UpdateBootState)
    assert again.state == remember.state._replace(mounted=("/var/lib",))


def test_mount_points_and_fresh_file_systems_are_labelled() -> None:
    world = World().with_device("/dev/vda1", 1).with_file("/etc/selinux/config", b"SELINUXTYPE=targeted\n")
    waves, _ = run(mount.plan, config(filesystem("/var/lib")), world)
    made, _, first, mounted, _, last = actions(waves)
    assert (type(made), type(mounted)) == (MakeDirectory, Mount)
    assert isinstance(first, RunProgram)
    assert isinstance(last, RunProgram)
    assert (first.stdin, last.stdin) == (PathList(("/var",)), PathList(("/var/lib",)))


def test_what_is_mounted_stays_and_what_is_not_is_not_unmounted() -> None:
    world = World().with_device("/dev/vda1", 1, "/dev/disk/by-label/x").with_directory("/var")
    world.mounts["/var"] = MountedFilesystem("/var", "/dev/vda1", "ext4")
    ((kept,),), _ = run(mount.plan, config(filesystem("/var", "/dev/disk/by-label/x")), world)
    assert kept.title == "keep /dev/disk/by-label/x at /var: it is mounted already"
    assert run(umount.plan, config(filesystem("/var"), filesystem("/srv")), world)[0] == []


def test_a_link_in_the_way_is_refused() -> None:
    world = World().with_device("/dev/vda1", 1).with_link("/var", "/elsewhere")
    with pytest.raises(PlanRefused, match="mount path /var/lib contains non-directory component /var"):
        run(mount.plan, config(filesystem("/var/lib")), world)


def test_what_cannot_be_mounted_is_skipped() -> None:
    given = config(filesystem("/a", kind="swap"), filesystem("/b", kind="none"), Filesystem(device="/dev/x", path="/c"))
    assert run(mount.plan, given, World())[0] == []
