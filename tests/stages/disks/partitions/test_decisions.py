"""What a plan decides about partitions: Ignition's matrix, one table per disk, forecasts that come true."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from provision.config.format import Config, Disk, Filesystem, Partition, Storage
from provision.failures import PlanRefused
from provision.planning.actions import Keep, WaitForDevices, WritePartitionTable
from provision.planning.boot_state import BootState
from provision.planning.forecast import Forecast
from provision.planning.machine_view import ASSUMED_SIZE, PartitionTable, Signature
from provision.stages.disks.partitions import decisions as partitions
from provision.stages.disks.partitions.decisions import MATRIX, verb_of
from tests.stages.world import LINUX_DATA, MIB, World, actions, changes, guid, partition, run, told

GIB = 1 << 30
DISK = "/dev/vda"


def config(*wanted: Partition, wipe: bool | None = None, device: str = DISK, used: str = "") -> Config:
    """One disk, and a file system on the device `used`."""
    filesystems = (Filesystem(device=used, format="ext4"),) if used else ()
    disks = (Disk(device=device, partitions=wanted, wipe_table=wipe),)
    return Config(storage=Storage(disks=disks, filesystems=filesystems))


def written(conf: Config, world: World) -> WritePartitionTable:
    """The one table that is written."""
    (action,) = changes(run(partitions.plan, conf, world)[0])
    assert isinstance(action, WritePartitionTable)
    return action


def refused(conf: Config, world: World) -> list[str]:
    with pytest.raises(PlanRefused) as caught:
        run(partitions.plan, conf, world)
    return told(caught.value)


def disk(**options: Any) -> World:
    """A disk of 64 MiB with ROOT (10 MiB at 1 MiB) and data (20 MiB at 11 MiB)."""
    entries = (partition(1, 2048, 20480, "ROOT"), partition(2, 22528, 40960, "data"))
    return World().with_disk(DISK, *entries, **options)


def geometry(table: PartitionTable) -> list[tuple[int, int, int]]:
    return [entry[:3] for entry in table.partitions]


class TestCreate:
    def test_a_blank_disk_gets_a_table_like_sgdisk_makes_it(self) -> None:
        action = written(config(Partition(number=1, label="a")), World().with_disk())
        assert (action.table.first, action.table.last) == (34, 131038)
        assert geometry(action.table) == [(1, 2048, 128991)]
        assert action.table.partitions[0].type == LINUX_DATA
        assert not action.destroys

    def test_4096_byte_sectors(self) -> None:
        action = written(config(Partition(number=1, label="a", size_mib=2)), World().with_disk(sector=4096))
        assert (action.table.sector, action.table.first, action.table.last) == (4096, 6, 16378)
        assert geometry(action.table) == [(1, 256, 512)]

    @pytest.mark.parametrize(("start", "note"), [(63, True), (2048, False)])
    def test_the_plan_says_that_a_new_partition_is_not_aligned(self, start: int, note: bool) -> None:
        """Like sgdisk we align to what the present partitions keep; on an old disk that may be a single sector."""
        world = World().with_disk(DISK, partition(1, start, 20480, "old"))
        action = written(config(Partition(number=2, label="new", size_mib=1)), world)
        assert ("not aligned to 4096 bytes" in action.title) is note

    def test_number_0_comes_last_and_takes_the_lowest_free_number(self) -> None:
        action = written(
            config(
                Partition(label="any", size_mib=1), Partition(number=3, size_mib=1), Partition(number=1, size_mib=1)
            ),
            World().with_disk(),
        )
        assert geometry(action.table) == [(1, 4096, 2048), (2, 6144, 2048), (3, 2048, 2048)]

    def test_the_number_of_a_deleted_partition_is_free(self) -> None:
        action = written(
            config(
                Partition(number=1, should_exist=False, wipe_partition_entry=True),
                Partition(label="n", size_mib=1, wipe_partition_entry=True),
            ),
            disk(),
        )
        assert [entry.number for entry in action.table.partitions] == [1, 2]
        assert action.table.partitions[0].label == "n"

    def test_chosen_guids_follow_from_the_seed(self) -> None:
        conf = config(Partition(number=1, label="a"))
        first = written(conf, World().with_disk())
        again = written(conf, World().with_disk())
        other = written(conf, World(state=BootState(seed="other")).with_disk())
        assert first.table == again.table
        assert first.table.guid == first.table.guid.upper() != other.table.guid
        assert first.table.partitions[0].guid != other.table.partitions[0].guid

    def test_guids_and_types_of_the_config_become_upper_case(self) -> None:
        wanted = Partition(number=1, guid=guid(0xABC).lower(), type_guid=guid(0xDEF).lower())
        (entry,) = written(config(wanted), World().with_disk()).table.partitions
        assert (entry.guid, entry.type) == (guid(0xABC), guid(0xDEF))

    def test_no_room_says_how_much_there_is(self) -> None:
        (reason,) = refused(config(Partition(number=3, label="big", size_mib=40)), disk())
        assert "wipe" not in reason, "it would not help"
        assert "storage.disks[0].partitions[0]: could not create partition 3 'big'" in reason
        assert "81920 sectors" in reason
        (reason,) = refused(config(Partition(number=3, start_mib=60, size_mib=5)), disk())
        assert reason.endswith("from sector 122880 there is no room for 10240 sectors (8159 sectors are free there)")

    def test_a_number_beyond_the_table(self) -> None:
        (reason,) = refused(config(Partition(number=129)), World().with_disk())
        assert "the table of /dev/vda has no partition 129" in reason

    def test_a_file_system_on_the_whole_disk_is_named_as_lost(self) -> None:
        world = World().with_disk()
        world.signatures[DISK] = Signature("ext4", "old", guid(5))
        assert written(config(Partition(number=1)), world).destroys == "ext4 'old' (64 MiB)"


class TestMatrix:
    """Rows of the table in Ignition's operator notes."""

    def test_it_decides_everything_once(self) -> None:
        for state in product((False, True), repeat=4):
            rows = [row for row in MATRIX if all(wanted in {None, got} for wanted, got in zip(row, state, strict=True))]
            assert [MATRIX[row] for row in rows] == [verb_of(*state)]

    def test_absent_and_not_wanted(self) -> None:
        assert not changes(run(partitions.plan, config(Partition(number=9, should_exist=False)), disk())[0])

    def test_present_and_not_wanted(self) -> None:
        (reason,) = refused(config(Partition(number=1, should_exist=False)), disk())
        assert "partition 1 exists but is specified as nonexistant and wipePartitionEntry is false" in reason

    def test_present_not_wanted_and_wiped(self) -> None:
        conf = config(Partition(number=1, should_exist=False, wipe_partition_entry=True))
        action = written(conf, disk(signatures={1: Signature("xfs", "sys", "u")}))
        assert [entry.number for entry in action.table.partitions] == [2]
        assert action.destroys == "partition 1 'ROOT' with xfs 'sys' (10 MiB)"

    def test_present_and_matching(self) -> None:
        wanted = Partition(number=1, label="ROOT", start_mib=1, size_mib=10, guid=guid(1), type_guid=LINUX_DATA.lower())
        waves, _ = run(partitions.plan, config(wanted), disk())
        assert waves == [
            (
                Keep(
                    "partition 1 'ROOT' of /dev/vda",
                    "it already matches the config",
                    ("storage", "disks", 0, "partitions", 0),
                ),
            )
        ]

    @pytest.mark.parametrize(
        ("wanted", "why"),
        [
            (
                Partition(number=1, start_mib=40, size_mib=5),
                "starting sector did not match (specified 81920, got 2048)",
            ),
            (Partition(number=1, guid=guid(7)), f'GUID did not match (specified "{guid(7)}", got "{guid(1)}")'),
            (
                Partition(number=1, type_guid=guid(7)),
                f'type GUID did not match (specified "{guid(7)}", got "{LINUX_DATA}")',
            ),
            (Partition(number=1, label="x"), 'label did not match (specified "x", got "ROOT")'),
            (Partition(number=1, size_mib=5), "size did not match (specified 10240, got 20480)"),
        ],
    )
    def test_present_and_different(self, wanted: Partition, why: str) -> None:
        (reason,) = refused(config(wanted), disk())
        remedy = "resize would change it" if "size did" in why else "wipePartitionEntry would replace it"
        assert reason == f"storage.disks[0].partitions[0]: partition 1 didn't match: {why}; {remedy}"
        anew = wanted.changed(wipe_partition_entry=True, size_mib=5)
        assert [entry.number for entry in written(config(anew), disk()).table.partitions] == [1, 2]

    def test_size_0_must_fill_the_block(self) -> None:
        (reason,) = refused(config(Partition(number=2, size_mib=0)), disk())
        assert "size did not match (specified 108511, got 40960)" in reason

    def test_resize_keeps_everything_else(self) -> None:
        world = disk(signatures={2: Signature("ext4", "d", "u")})
        before = world.tables[DISK].partitions[1]._replace(attributes=1 << 63)
        world.tables[DISK] = world.tables[DISK]._replace(partitions=(world.tables[DISK].partitions[0], before))
        action = written(config(Partition(number=2, size_mib=0, resize=True)), world)
        assert action.table.partitions[1] == before._replace(size=108511)
        assert not action.destroys
        assert Forecast(world).signature("/dev/vda2").type == "ext4"

    def test_shrinking_loses_the_end(self) -> None:
        world = disk(signatures={2: Signature("ext4", "d", "u")})
        action = written(config(Partition(number=2, size_mib=5, resize=True)), world)
        assert action.destroys == "the end of partition 2 'data' with ext4 'd' (20 MiB)"

    def test_resize_does_not_excuse_another_difference(self) -> None:
        (reason,) = refused(config(Partition(number=2, size_mib=5, label="x", resize=True)), disk())
        assert "label did not match" in reason

    def test_all_reasons_at_once(self) -> None:
        reasons = refused(config(Partition(number=1, label="x"), Partition(number=2, label="y")), disk())
        assert len(reasons) == 2


class TestGrownDisk:
    """A disk of 64 MiB with a table for 32 MiB; sectors 61440 to 65502 are nearly the last 2 MiB of the table."""

    OLD_END, NEW_END = 65502, 131038

    def grown(self) -> World:
        machine = World().with_disk("/dev/vda", partition(1, 2048, 20480), partition(2, 22528, 42975), size=32 * MIB)
        assert machine.tables["/dev/vda"].last == self.OLD_END
        machine.devices["/dev/vda"] = machine.devices["/dev/vda"]._replace(size=64 * MIB)
        return machine

    def test_a_partition_grows_to_the_new_end(self) -> None:
        table = written(config(Partition(number=2, resize=True, size_mib=0)), self.grown()).table
        assert (table.first, table.last) == (34, self.NEW_END)
        assert table.partitions[1].start + table.partitions[1].size - 1 == self.NEW_END

    def test_a_new_partition_finds_the_new_room(self) -> None:
        table = written(config(Partition(number=3)), self.grown()).table
        assert (table.partitions[2].start, table.partitions[2].size) == (65536, self.NEW_END - 65536 + 1)

    def test_what_keeps_its_size_is_as_it_was(self) -> None:
        """A second boot finds the same size: "to the end of the block" means to the end of the old table."""
        waves, _ = run(partitions.plan, config(Partition(number=2, size_mib=0)), self.grown())
        assert [type(action) for action in actions(waves)] == [Keep]

    def test_a_disk_of_the_same_size_keeps_its_table(self) -> None:
        machine = World().with_disk("/dev/vda", partition(1, 2048, 2048))
        machine.tables["/dev/vda"] = machine.tables["/dev/vda"]._replace(last=131038)
        assert written(config(Partition(number=3)), machine).table.last == 131038


class TestInUse:
    def test_an_active_partition_may_stay(self) -> None:
        conf = config(Partition(number=1, label="ROOT"), Partition(number=3, label="new"))
        assert [entry.number for entry in written(conf, disk(in_use=[1])).table.partitions] == [1, 2, 3]

    def test_an_active_partition_may_not_change(self) -> None:
        conf = config(Partition(number=1, size_mib=5, resize=True))
        assert "refusing to modify active partition 1 on /dev/vda" in refused(conf, disk(in_use=[1]))[0]

    def test_an_active_disk_is_not_wiped(self) -> None:
        assert "refusing to wipe active disk" in refused(config(wipe=True), disk(in_use=[1]))[0]

    def test_a_disk_that_is_used_itself(self) -> None:
        world = World().with_device(DISK, in_use="mounted at /data")
        assert "refusing to operate on directly active disk /dev/vda" in refused(config(), world)[0]


class TestWipeTable:
    def test_everything_is_made_anew(self) -> None:
        action = written(config(Partition(number=1, label="ROOT", size_mib=10), wipe=True), disk())
        assert action.erase
        assert action.table.guid != guid(99)
        assert action.table.partitions[0].guid != guid(1)
        assert action.destroys == "partition 2 'data' (20 MiB)"

    def test_without_partitions_the_table_goes(self) -> None:
        action = written(config(wipe=True), disk())
        assert (action.table.kind, action.erase) == ("", True)
        _, forecast = run(partitions.plan, config(wipe=True), disk())
        assert forecast.device("/dev/vda1") is None

    def test_a_blank_disk_stays_blank(self) -> None:
        assert not changes(run(partitions.plan, config(wipe=True), World().with_disk())[0])

    def test_another_kind_of_table_needs_it(self) -> None:
        world = World().with_disk()
        world.tables[DISK] = PartitionTable("dos")
        assert "disk does not have a GPT" in refused(config(Partition(number=1)), world)[0]
        assert written(config(Partition(number=1), wipe=True), world).erase


class TestForecast:
    def test_new_partitions_have_their_names(self) -> None:
        label = "/dev/disk/by-partlabel/my\\x20data"
        conf = config(Partition(number=1, label="my data"), device="/dev/disk/by-id/x", used=label)
        world = World().with_device("/dev/nvme0n1", 64 * MIB, "/dev/disk/by-id/x")
        _, forecast = run(partitions.plan, conf, world)
        node = forecast.device("/dev/nvme0n1p1")
        assert node is not None
        assert node.size == 128991 * 512
        assert forecast.device(label) == node
        assert forecast.device("/dev/disk/by-id/x-part1") == node
        assert forecast.signature("/dev/nvme0n1p1") == Signature()

    def test_a_signature_at_an_old_start_is_seen_again(self) -> None:
        world = disk(signatures={2: Signature("ext4", "d", "u")})
        conf = config(Partition(number=7, label="again", start_mib=11, size_mib=30), wipe=True)
        _, forecast = run(partitions.plan, conf, world)
        assert forecast.signature("/dev/vda7").type == "ext4"

    def test_a_missing_disk_is_awaited_and_assumed(self) -> None:
        label = "/dev/disk/by-partlabel/a"
        waves, forecast = run(partitions.plan, config(Partition(number=1, label="a"), used=label), World())
        assert isinstance(waves[0][0], WaitForDevices)
        node = forecast.device(label)
        assert node is not None
        assert node.assumed
        assert node.size > ASSUMED_SIZE - 4 * MIB

    def test_the_size_of_a_missing_disk_is_not_made_up(self) -> None:
        parts = (Partition(number=1, label="a", size_mib=1), Partition(number=2, label="b"))
        conf = config(*parts, device="/dev/disk/by-id/x", used="/dev/disk/by-partlabel/b")
        waves, forecast = run(partitions.plan, conf, World())
        (action,) = changes(waves)
        assert action.title == (
            "partition /dev/disk/by-id/x: create partition 1 'a' (1 MiB), create partition 2 'b' (the rest)"
        )
        node = forecast.device("/dev/disk/by-partlabel/b")
        assert node is not None
        assert node.name == "/dev/disk/by-id/x-part2"

    def test_a_device_mapper_disk(self) -> None:
        world = World().with_disk("/dev/dm-0", mapper="mpatha")
        world.links[DISK] = "/dev/dm-0"
        _, forecast = run(partitions.plan, config(Partition(number=2, label="a")), world)
        assert forecast.device("/dev/disk/by-id/dm-name-mpathap2") is not None

    def test_one_label_on_two_disks_gives_no_fact_about_its_link(self) -> None:
        world = World().with_disk("/dev/vda").with_disk("/dev/vdb")
        disks = tuple(
            Disk(device=name, partitions=(Partition(number=1, label="a"),)) for name in ("/dev/vda", "/dev/vdb")
        )
        waves, forecast = run(partitions.plan, Config(storage=Storage(disks=disks)), world)
        assert [len(wave) for wave in waves] == [2]
        assert forecast.device("/dev/disk/by-partlabel/a") is None

    def test_links_that_the_config_does_not_name_may_be_another_disks(self) -> None:
        action = written(config(Partition(number=1, label="a", guid=guid(7))), World().with_disk())
        assert [fact.name for fact in action.facts] == ["/dev/vda1"]

    def test_two_entries_for_one_disk_are_two_waves(self) -> None:
        world = World().with_device(DISK, 64 * MIB, "/dev/disk/by-id/x")
        disks = (
            Disk(device=DISK, partitions=(Partition(number=1, label="a", size_mib=1),)),
            Disk(device="/dev/disk/by-id/x", partitions=(Partition(number=2, label="b", size_mib=1),)),
        )
        waves, forecast = run(partitions.plan, Config(storage=Storage(disks=disks)), world)
        assert len(waves) == 2
        assert geometry(forecast.table(DISK)) == [(1, 2048, 2048), (2, 4096, 2048)]


def test_the_second_plan_changes_nothing() -> None:
    conf = config(Partition(label="x", size_mib=5), Partition(number=1, size_mib=10, start_mib=0), Partition(label="y"))
    _, forecast = run(partitions.plan, conf, World().with_disk())
    assert not changes(run(partitions.plan, conf, forecast)[0])
