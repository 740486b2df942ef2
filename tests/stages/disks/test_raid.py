"""What a plan decides about RAID arrays."""

from __future__ import annotations

import pytest

from provision.config.format import Config, Raid, Storage
from provision.failures import PlanRefused
from provision.planning.actions import Keep, RunProgram, WaitForDevices
from provision.planning.arguments import Argument, DeviceName
from provision.planning.machine_view import Device, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages.disks import raid
from tests.stages.world import MIB, World, actions, changes, partition, run, told

MEMBERS = ("/dev/vda1", "/dev/vdb1", "/dev/vdc1")


def config(*arrays: Raid) -> Config:
    return Config(storage=Storage(raid=arrays))


def array(**changed: object) -> Raid:
    return Raid(name="data", level="raid1", devices=MEMBERS[:2]).changed(**changed)


def world(found: Signature | None = None) -> World:
    machine = World()
    for name in MEMBERS:
        machine.with_device(name, 64 * MIB, signature=found)
    return machine


def command(conf: Config, machine: World) -> tuple[Argument, ...]:
    (action,) = changes(run(raid.plan, conf, machine)[0])
    assert isinstance(action, RunProgram)
    return action.argv


def refused(conf: Config, machine: World) -> list[str]:
    with pytest.raises(PlanRefused) as caught:
        run(raid.plan, conf, machine)
    return told(caught.value)


def made_before(machine: World) -> World:
    """The members as an earlier run of the same provisioning left them."""
    uuid = chosen_uuid(machine, "raid", "data")
    machine.signatures.update(dict.fromkeys(MEMBERS, Signature("linux_raid_member", "any:data", uuid)))
    return machine


def test_the_command() -> None:
    entry = array(devices=MEMBERS, spares=1, options=("--metadata=1.0",))
    machine = world()
    assert command(config(entry), machine) == (
        *("mdadm", "--create", "/dev/md/data", "--force", "--run", "--homehost", "any", "--level", "raid1"),
        *("--raid-devices", "2", "--spare-devices", "1", "--uuid", chosen_uuid(machine, "raid", "data")),
        *("--metadata=1.0", *map(DeviceName, MEMBERS)),
    )


def test_a_uuid_in_the_options_is_the_only_one() -> None:
    assert "--uuid" not in command(config(array(options=("--uuid=1:2:3:4",))), world())


def test_the_array_appears_and_takes_its_members() -> None:
    _, forecast = run(raid.plan, config(array()), world())
    assert forecast.device("/dev/md/data") == Device("/dev/md/data", 64 * MIB, assumed=True)
    assert forecast.signature("/dev/vda1").type == "linux_raid_member"
    assert forecast.signature("/dev/md/data") == Signature()


@pytest.mark.parametrize(("level", "mebibytes"), [("raid0", 192), ("raid5", 128), ("6", 64), ("raid10", 64)])
def test_sizes_are_estimated(level: str, mebibytes: int) -> None:
    _, forecast = run(raid.plan, config(array(level=level, devices=MEMBERS)), world())
    device = forecast.device("/dev/md/data")
    assert device is not None
    assert device.size == mebibytes * MIB


def test_a_name_below_dev_is_the_device() -> None:
    _, forecast = run(raid.plan, config(array(name="/dev/md0")), world())
    assert forecast.device("/dev/md0") is not None


def test_what_members_held_is_lost() -> None:
    (action,) = changes(run(raid.plan, config(array()), world(Signature("xfs", "a")))[0])
    assert action.destroys == "xfs 'a' (64 MiB) on /dev/vda1, xfs 'a' (64 MiB) on /dev/vdb1"


def test_partitions_on_members_are_reported_and_wiped() -> None:
    """mdadm would leave the backup table, and ignore the contents of the partitions."""
    machine = World().with_disk("/dev/vda", partition(1, 2048, 2048, "old"), signatures={1: Signature("xfs", "x")})
    (wipe,), (make,) = run(raid.plan, config(array(devices=("/dev/vda", "/dev/vdb"))), machine.with_disk("/dev/vdb"))[0]
    assert isinstance(wipe, RunProgram)
    assert wipe.argv == ("wipefs", "-a", DeviceName("/dev/vda"))
    assert (wipe.destroys, make.destroys) == ("a gpt table, partition 1 'old' with xfs 'x' (1 MiB)", "")


class TestInterrupted:
    def test_an_array_of_this_provisioning_stays(self) -> None:
        machine = made_before(world()).with_device("/dev/md127", 64 * MIB, "/dev/md/data")
        assert [type(action) for action in actions(run(raid.plan, config(array()), machine)[0])] == [Keep]

    def test_it_is_assembled_if_udev_has_not_done_so(self) -> None:
        assert command(config(array()), made_before(world())) == (
            *("mdadm", "--assemble", "/dev/md/data", "--run", *map(DeviceName, MEMBERS[:2])),
        )

    def test_one_that_was_made_only_in_part_is_made_anew(self) -> None:
        machine = made_before(world())
        del machine.signatures[MEMBERS[1]]
        assert command(config(array()), machine)[1] == "--create"

    def test_an_array_of_another_origin_is_replaced_as_by_ignition(self) -> None:
        machine = world(Signature("linux_raid_member", "other:data", "other"))
        assert command(config(array()), machine)[1] == "--create"

    def test_the_second_plan_changes_nothing(self) -> None:
        _, forecast = run(raid.plan, config(array()), world())
        assert not changes(run(raid.plan, config(array()), forecast)[0])


class TestRefused:
    def test_an_array_of_that_name(self) -> None:
        machine = world().with_device("/dev/md127", 64 * MIB, "/dev/md/data")
        assert refused(config(array()), machine) == ["storage.raid[0]: an array /dev/md/data exists already"]

    @pytest.mark.parametrize(
        ("name", "good"),
        [
            *((name, True) for name in ("data", "a.b-c_D", "x" * 32, "127", "/dev/md/data", "/dev/md0")),
            *((name, False) for name in ("my data", "a,b", "a/b", "", "..", "-x", "x" * 33, "/dev/md/a b")),
            *((name, False) for name in ("/dev/data", "/dev/md_d0", "/dev/md")),
        ],
    )
    def test_names_that_mdadm_would_change(self, name: str, good: bool) -> None:
        if good:
            run(raid.plan, config(array(name=name)), world())
        else:
            (reason,) = refused(config(array(name=name)), world())
            assert f"storage.raid[0].name: {name!r} is not a name for an array" in reason

    def test_members_in_use_twice_and_missing_tools(self) -> None:
        machine = World(lacking=["mdadm"])
        machine.with_device("/dev/vda1", in_use="mounted").with_device("/dev/vdb1", 1, "/dev/b")
        conf = config(array(), array(name="other", devices=("/dev/vdb1", "/dev/b")))
        assert refused(conf, machine) == [
            "storage.raid[1].devices[0]: /dev/vdb1 is already used by storage.raid[0].devices[1]",
            "storage.raid[1].devices[1]: /dev/b is already used by storage.raid[0].devices[1]",
            "storage.raid[0]: mdadm is needed and not on PATH; it is in the package mdadm of Debian",
            "storage.raid[0].devices: refusing to write to active device /dev/vda1 (mounted)",
            "storage.raid[1]: mdadm is needed and not on PATH; it is in the package mdadm of Debian",
        ]

    def test_a_member_that_does_not_appear(self) -> None:
        plan = raid.plan(config(array()), World())
        assert next(plan) == (WaitForDevices(MEMBERS[:2], ("storage", "raid")),)
        with pytest.raises(PlanRefused, match=r"storage.raid\[0\].devices\[0\]: there is no device /dev/vda1"):
            next(plan)
