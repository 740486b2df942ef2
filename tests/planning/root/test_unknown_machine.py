"""A machine of which nothing is known is taken for one with blank disks and with every program."""

from __future__ import annotations

from provision.config.format import Config, Disk, File, Partition, Storage
from provision.failures import ActionFailed
from provision.planning.machine_view import ASSUMED_SIZE, Device, PartitionTable, Signature
from provision.planning.root.unknown_machine import UnknownMachine
from provision.stages import all_stages
from provision.stages.disks import STAGE
from tests.stages.world import World, actions, run

CONFIG = Config(
    storage=Storage(
        disks=(Disk(device="/dev/x", partitions=(Partition(number=1, label="a"),)),), files=(File(path="/etc/f"),)
    )
)


def test_without_devices_every_device_of_the_config_is_assumed_to_be_blank() -> None:
    view = UnknownMachine(None, CONFIG)
    assert (view.device("/dev/x"), view.luks_header("/dev/x")) == (None, None)
    assert (view.table("/dev/x"), view.signature("/dev/x")) == (PartitionTable(""), Signature())
    waves, forecast = run(STAGE.plan, CONFIG, view)
    assert [one.title for one in actions(waves)] == [
        "wait for /dev/x",
        "partition /dev/x: create partition 1 'a' (the rest)",
    ]
    partition = forecast.device("/dev/x1")
    assert partition is not None
    assert ASSUMED_SIZE - (4 << 20) < partition.size < ASSUMED_SIZE


def test_nothing_of_the_config_is_there_and_every_program_is() -> None:
    view = UnknownMachine(None, CONFIG)
    assert (view.file_status("/etc/f"), view.content("/etc/f"), view.children("/etc")) == (None, None, ())
    assert (view.host_file("/sys/x"), view.host_children("/sys"), view.tool("mdadm")) == (None, (), "mdadm")
    assert (view.mkfs_refusal(("mkfs.xfs",), 1), view.account_refusal(("userdel",), {})) == ("", True)
    assert UnknownMachine(None, CONFIG).boot_state() == view.boot_state()
    steps = [one.title for stage in all_stages() for one in actions(run(stage.plan, CONFIG, view)[0])]
    assert "write /etc/f (0644)" in steps


class Unreadable(World):
    """A machine whose disks cannot be read."""

    def signature(self, name: str) -> Signature:
        raise ActionFailed(f"read {name}", "permission denied")


def test_the_devices_of_a_machine_are_used_unless_they_cannot_be_read() -> None:
    assert UnknownMachine(World().with_device("/dev/x", 5), CONFIG).device("/dev/x") == Device("/dev/x", 5)
    view = UnknownMachine(Unreadable().with_device("/dev/x", 5), CONFIG)
    assert view.device("/dev/x") is None
    assert view.unreadable == {"/dev/x": "permission denied"}
