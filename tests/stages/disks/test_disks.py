"""The whole disks stage: real configs end to end on a forecast, and laws that hold for any config."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from provision.config import format as config
from provision.failures import PlanRefused
from provision.planning.actions import RunProgram, Wave, WritePartitionTable
from provision.planning.forecast import Forecast
from provision.planning.machine_view import PartitionTable, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages import disks
from provision.stages.disks.partitions.layout import extent
from tests.stages.world import MIB, World, actions, changes, partition, run

GIB = 1 << 30


def verbs(waves: list[Wave]) -> list[list[str]]:
    """The programs that each wave starts; `table` stands for writing a table."""
    short = [
        [
            str(one.argv[0]) if isinstance(one, RunProgram) else "table"
            for one in wave
            if isinstance(one, RunProgram | WritePartitionTable)
        ]
        for wave in waves
    ]
    return [wave for wave in short if wave]


def test_nothing_asked_nothing_done() -> None:
    assert run(disks.STAGE.plan, config.Config(), World())[0] == []


def test_two_mirrored_encrypted_disks() -> None:
    """The config of boot_device mirroring with LUKS; none of its devices exists when the plan is made."""
    parts = (config.Partition(number=1, label="boot", size_mib=64), config.Partition(number=2, label="root"))
    names = ("a", "b")
    storage = config.Storage(
        disks=tuple(
            config.Disk(
                device=f"/dev/disk/by-id/{name}",
                wipe_table=True,
                partitions=tuple(one.changed(label=f"{one.label}-{name}") for one in parts),
            )
            for name in names
        ),
        raid=(
            config.Raid(
                name="md-boot",
                level="raid1",
                devices=tuple(f"/dev/disk/by-partlabel/boot-{name}" for name in names),
                options=("--metadata=1.0",),
            ),
            config.Raid(
                name="md-root", level="raid1", devices=tuple(f"/dev/disk/by-partlabel/root-{name}" for name in names)
            ),
        ),
        luks=(config.Luks(name="root", device="/dev/md/md-root", clevis=config.Clevis(tpm2=True), wipe_volume=True),),
        filesystems=(
            config.Filesystem(device="/dev/md/md-boot", format="ext4", label="boot", wipe_filesystem=True),
            config.Filesystem(device="/dev/mapper/root", format="xfs", label="root", wipe_filesystem=True),
        ),
    )
    world = World().with_device("/dev/vda", GIB, "/dev/disk/by-id/a").with_device("/dev/vdb", GIB, "/dev/disk/by-id/b")
    waves, forecast = run(disks.STAGE.plan, config.Config(storage=storage), world)
    assert verbs(waves) == [
        ["table", "table"],
        ["mdadm"],
        ["mdadm"],
        *([program] for program in ("cryptsetup", "cryptsetup", "clevis", "cryptsetup", "clevis", "cryptsetup")),
        ["mkfs.ext4", "mkfs.xfs"],
    ]
    assert forecast.signature("/dev/md/md-root").type == "crypto_LUKS"
    assert forecast.signature("/dev/mapper/root").label == "root"


def test_a_name_that_would_lead_to_two_devices_is_refused() -> None:
    parts = (config.Partition(number=1, label="data"),)
    disks_of = tuple(config.Disk(device=f"/dev/vd{name}", wipe_table=True, partitions=parts) for name in "ab")
    filesystem = config.Filesystem(device="/dev/disk/by-partlabel/data", format="ext4")
    world = World().with_device("/dev/vda", GIB).with_device("/dev/vdb", GIB)
    world.with_disk("/dev/vdc", partition(1, 2048, 2048, "data"))
    for several, why in (
        (disks_of, "/dev/vda1 and /dev/vdb1 and /dev/vdc1"),
        (disks_of[:1], "/dev/vda1 and /dev/vdc1"),
    ):
        storage = config.Storage(disks=several, filesystems=(filesystem,))
        with pytest.raises(PlanRefused, match=why):
            run(disks.STAGE.plan, config.Config(storage=storage), world)
        run(disks.STAGE.plan, config.Config(storage=config.Storage(disks=several)), world)


class TestReadOnly:
    def world(self) -> World:
        part = partition(1, 2048, 20480, "data")
        return World().with_disk("/dev/vda", part, signatures={1: Signature("ext4", "data", "u")}, read_only=True)

    @pytest.mark.parametrize(
        ("part", "storage", "where"),
        [
            ({"label": "other", "wipe_partition_entry": True}, {}, "storage.disks[0]: /dev/vda"),
            (
                {},
                {"raid": (config.Raid(name="a", level="raid1", devices=("/dev/vda1",)),)},
                "storage.raid[0].devices: /dev/vda1",
            ),
            (
                {},
                {"luks": (config.Luks(name="a", device="/dev/vda1", wipe_volume=True),)},
                "storage.luks[0]: /dev/vda1",
            ),
            (
                {},
                {"filesystems": (config.Filesystem(device="/dev/vda1", format="xfs", wipe_filesystem=True),)},
                "storage.filesystems[0]: /dev/vda1",
            ),
        ],
    )
    def test_what_would_be_written_is_refused(
        self, part: dict[str, object], storage: dict[str, object], where: str
    ) -> None:
        with pytest.raises(PlanRefused) as caught:
            run(disks.STAGE.plan, self.wanted(part, storage), self.world())
        assert caught.value.reasons == (f"{where} is read-only",)

    def test_a_filesystem_that_matches_the_config_stays(self) -> None:
        kept = config.Filesystem(device="/dev/vda1", format="ext4", label="data")
        assert not changes(run(disks.STAGE.plan, self.wanted({}, {"filesystems": (kept,)}), self.world())[0])

    def wanted(self, part: dict[str, object], storage: dict[str, object]) -> config.Config:
        entry = config.Disk(device="/dev/vda", partitions=(config.Partition(number=1).changed(**part),))
        return config.Config(storage=config.Storage(disks=(entry,)).changed(**storage))


class TestOldArrays:
    """Members of an old array that new partitions would expose again, so that udev would assemble them."""

    OLD = Signature("linux_raid_member", "old:data", "old")

    def table(self, found: Signature, **storage: object) -> WritePartitionTable:
        world = World().with_disk("/dev/vda", partition(1, 2048, 20480, "data"), signatures={1: found})
        entry = config.Disk(
            device="/dev/vda", wipe_table=True, partitions=(config.Partition(number=1, label="data", size_mib=10),)
        )
        conf = config.Config(storage=config.Storage(disks=(entry,)).changed(**storage))
        waves, _ = run(disks.STAGE.plan, conf, world)
        return next(action for action in actions(waves) if isinstance(action, WritePartitionTable))

    @pytest.mark.parametrize("device", ["/dev/vda1", "/dev/disk/by-partlabel/data"])
    def test_they_are_erased_if_the_config_uses_the_partition_otherwise(self, device: str) -> None:
        storages: list[dict[str, object]] = [
            {"raid": (config.Raid(name="data", level="raid1", devices=(device,)),)},
            {"filesystems": (config.Filesystem(device=device, format="ext4", wipe_filesystem=True),)},
        ]
        for storage in storages:
            table = self.table(self.OLD, **storage)
            assert (table.clear, table.destroys) == (
                (1,),
                "partition 1 'data' with linux_raid_member 'old:data' (10 MiB)",
            )

    def test_they_stay_if_the_config_does_not_use_the_partition(self) -> None:
        table = self.table(self.OLD)
        assert (table.clear, table.destroys) == ((), "")

    @pytest.mark.parametrize(
        "storage",
        [
            {"filesystems": (config.Filesystem(device="/dev/vda1", format="ext4"),)},
            {"luks": (config.Luks(name="data", device="/dev/vda1"),)},
        ],
    )
    def test_they_are_not_lost_if_the_config_does_not_allow_it(self, storage: dict[str, object]) -> None:
        with pytest.raises(PlanRefused, match="linux_raid_member"):
            self.table(self.OLD, **storage)

    def test_what_this_provisioning_made_stays(self) -> None:
        raid = config.Raid(name="data", level="raid1", devices=("/dev/vda1",))
        ours = Signature("linux_raid_member", "any:data", chosen_uuid(World(), "raid", "data"))
        assert self.table(ours, raid=(raid,)).clear == ()


# -- laws


@st.composite
def partitions(draw: st.DrawFn) -> tuple[config.Partition, ...]:
    numbers = draw(st.lists(st.integers(0, 6), max_size=5).filter(_distinct))
    optional_size = st.none() | st.integers(0, 20)
    return tuple(
        config.Partition(
            number=number,
            label=f"p{index}",
            start_mib=draw(st.none() | st.integers(0, 60)),
            size_mib=draw(optional_size),
            resize=draw(st.booleans()),
            wipe_partition_entry=draw(st.booleans()),
        )
        for index, number in enumerate(numbers)
    )


def _distinct(numbers: list[int]) -> bool:
    given_ones = [number for number in numbers if number]
    return len(set(given_ones)) == len(given_ones)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    for name in ("/dev/vda", "/dev/nvme0n1"):
        sector = draw(st.sampled_from([512, 4096]))
        position, entries = MIB // sector, []
        for number in draw(st.lists(st.integers(1, 6), unique=True, max_size=3)):
            position += draw(st.integers(0, 8)) * MIB // sector
            size = draw(st.integers(1, 10)) * MIB // sector
            entries.append(partition(number, position, size, f"old{number}"))
            position += size
        world.with_disk(name, *sorted(entries), sector=sector)
    return world


def without_wiping(entry: config.Disk) -> config.Disk:
    kept = tuple(one.changed(wipe_partition_entry=None) for one in entry.partitions)
    return entry.changed(wipe_table=None, partitions=kept)


def assert_sound(table: PartitionTable, sectors: int) -> None:
    blocks = sorted(extent(one) for one in table.partitions)
    assert all(before.last < after.first for before, after in pairwise(blocks)), "partitions overlap"
    assert all(table.first <= block.first <= block.last <= table.last < sectors for block in blocks)
    numbers = [one.number for one in table.partitions]
    guids = [one.guid for one in table.partitions]
    assert len(set(numbers)) == len(numbers)
    assert len(set(guids)) == len(guids)


@settings(max_examples=3 * settings().max_examples)
@given(worlds(), partitions(), partitions(), st.booleans())
def test_laws(
    world: World, first: tuple[config.Partition, ...], second: tuple[config.Partition, ...], wipe: bool
) -> None:
    """Waves are disjoint (checked by `run`), tables are valid, and a second plan has nothing to do."""
    entries = (
        config.Disk(device="/dev/vda", partitions=first, wipe_table=wipe),
        config.Disk(device="/dev/nvme0n1", partitions=second),
    )
    labels = [one.label for entry in entries for one in entry.partitions]
    unique = [label for label in labels if labels.count(label) == 1]
    filesystems = tuple(
        config.Filesystem(device=f"/dev/disk/by-partlabel/{label}", format="ext4", label=label) for label in unique
    )
    wanted = config.Config(storage=config.Storage(disks=entries, filesystems=filesystems))
    try:
        waves, forecast = run(disks.STAGE.plan, wanted, world)
    except PlanRefused:
        event("refused")
        return
    event(f"{len(changes(waves))} changes")
    for action in actions(waves):
        if isinstance(action, WritePartitionTable):
            disk = world.devices[action.device]
            assert_sound(action.table, disk.size // disk.sector)
    calm = wanted.changed(storage=wanted.storage.changed(disks=tuple(map(without_wiping, entries))))
    assert not changes(run(disks.STAGE.plan, calm, forecast)[0])


@given(worlds(), partitions())
def test_planning_does_not_change_the_view(world: World, wanted: tuple[config.Partition, ...]) -> None:
    before = (dict(world.devices), dict(world.tables), dict(world.signatures))
    entry = config.Disk(device="/dev/vda", partitions=wanted)
    with suppress(PlanRefused):
        list(disks.STAGE.plan(config.Config(storage=config.Storage(disks=(entry,))), Forecast(world)))
    assert before == (world.devices, world.tables, world.signatures)
