"""What a plan decides about file systems: reuse, refuse or make, with the exact commands."""

from __future__ import annotations

import pytest

from provision.config.format import Config, Disk, Filesystem, Storage
from provision.failures import PlanRefused
from provision.planning.actions import Keep, RunProgram, WaitForDevices
from provision.planning.arguments import Argument, DeviceName
from provision.planning.machine_view import Device, PartitionTable, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages.disks import filesystems
from provision.stages.disks.mkfs_options import TRIED_BELOW
from tests.stages.world import MIB, World, actions, changes, run, told

DEVICE = "/dev/vda1"
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def config(*entries: Filesystem) -> Config:
    return Config(storage=Storage(filesystems=entries))


def world(found: Signature | None = None, **options: str) -> World:
    return World().with_device(DEVICE, 64 * MIB, signature=found, in_use=options.get("in_use", ""))


def commands(conf: Config, machine: World) -> list[tuple[Argument, ...]]:
    waves, _ = run(filesystems.plan, conf, machine)
    return [action.argv for action in changes(waves) if isinstance(action, RunProgram)]


def refused(conf: Config, machine: World) -> list[str]:
    with pytest.raises(PlanRefused) as caught:
        run(filesystems.plan, conf, machine)
    return told(caught.value)


@pytest.mark.parametrize(
    ("kind", "uuid", "argv"),
    [
        ("btrfs", UUID.upper(), ("mkfs.btrfs", "--force", "-U", UUID, "-L", "data")),
        ("ext4", UUID, ("mkfs.ext4", "-F", "-U", UUID, "-L", "data")),
        ("xfs", UUID, ("mkfs.xfs", "-f", "-m", f"uuid={UUID}", "-L", "data")),
        ("swap", UUID, ("mkswap", "-f", "-U", UUID, "-L", "data")),
        ("vfat", "ABCD-1234", ("mkfs.fat", "-i", "abcd1234", "-n", "data")),
    ],
)
def test_commands(kind: str, uuid: str, argv: tuple[str, ...]) -> None:
    filesystem = Filesystem(device=DEVICE, format=kind, label="data", uuid=uuid)
    assert commands(config(filesystem), world()) == [(*argv, DeviceName(DEVICE))]


def test_options_come_first_and_leave_the_uuid_to_them() -> None:
    conf = config(Filesystem(device=DEVICE, format="ext4", options=("-b", "4096")))
    assert commands(conf, world()) == [("mkfs.ext4", "-b", "4096", "-F", DeviceName(DEVICE))]
    _, forecast = run(filesystems.plan, conf, world())
    assert forecast.signature(DEVICE) == Signature("ext4", None, None)


def test_a_uuid_is_chosen_where_it_is_left_open() -> None:
    machine = world()
    chosen = chosen_uuid(machine, "filesystem", DEVICE)
    assert commands(config(Filesystem(device=DEVICE, format="swap")), machine) == [
        ("mkswap", "-f", "-U", chosen, DeviceName(DEVICE))
    ]
    assert commands(config(Filesystem(device=DEVICE, format="vfat")), machine) == [
        ("mkfs.fat", "-i", chosen[:8], DeviceName(DEVICE))
    ]


def test_links_follow_where_the_config_names_them() -> None:
    """Other links may lead to another disk with the same label; that is not an error."""
    label, uuid = "/dev/disk/by-label/EFI\\x20SYS", "/dev/disk/by-uuid/ABCD-1234"
    conf = config(Filesystem(device=DEVICE, format="vfat", label="EFI SYS", uuid="abcd1234"))
    _, forecast = run(filesystems.plan, conf, world())
    assert forecast.signature(DEVICE) == Signature("vfat", "EFI SYS", "ABCD-1234")
    assert forecast.device(label) is forecast.device(uuid) is None
    named = conf.changed(storage=conf.storage.changed(disks=(Disk(device=label), Disk(device=uuid))))
    _, forecast = run(filesystems.plan, named, world())
    assert forecast.device(label) == forecast.device(uuid) == Device(DEVICE, 64 * MIB)


class TestReuse:
    @pytest.mark.parametrize(
        ("entry", "found"),
        [
            (Filesystem(device=DEVICE, format="ext4"), Signature("ext4", "any", UUID)),
            (Filesystem(device=DEVICE, format="ext4", label="a", uuid=UUID.upper()), Signature("ext4", "a", UUID)),
            (Filesystem(device=DEVICE, format="vfat", uuid="abcd1234"), Signature("vfat", "", "ABCD-1234")),
            (Filesystem(device=DEVICE, format="none"), Signature()),
            (Filesystem(device=DEVICE, format="ext4"), Signature("ext4", "", UUID, ambivalent=True)),
        ],
    )
    def test_what_matches_stays(self, entry: Filesystem, found: Signature) -> None:
        (action,) = actions(run(filesystems.plan, config(entry), world(found, in_use="mounted"))[0])
        assert isinstance(action, Keep)

    @pytest.mark.parametrize(
        "entry",
        [
            Filesystem(device=DEVICE, format="xfs"),
            Filesystem(device=DEVICE, format="ext4", label="b"),
            Filesystem(device=DEVICE, format="ext4", label=""),
            Filesystem(device=DEVICE, format="ext4", uuid=UUID.replace("0", "f")),
            Filesystem(device=DEVICE, format="none"),
        ],
    )
    def test_what_differs_is_refused(self, entry: Filesystem) -> None:
        (reason,) = refused(config(entry), world(Signature("ext4", "a", UUID)))
        assert reason == (
            'storage.filesystems[0]: filesystem at "/dev/vda1" is not of the correct type, label, or UUID '
            f'(found ext4, "a", {UUID}) and a filesystem wipe was not requested; '
            "wipeFilesystem would replace what is there"
        )

    def test_or_wiped_if_that_is_allowed(self) -> None:
        conf = config(Filesystem(device=DEVICE, format="ext4", wipe_filesystem=True, uuid=UUID))
        waves, _ = run(filesystems.plan, conf, world(Signature("ext4", "a", UUID)))
        wipe, make = actions(waves)
        assert isinstance(wipe, RunProgram)
        assert isinstance(make, RunProgram)
        assert wipe.argv == ("wipefs", "-a", DeviceName(DEVICE))
        assert wipe.destroys == "ext4 'a' (64 MiB)"
        assert make.argv[0] == "mkfs.ext4"

    def test_none_only_wipes(self) -> None:
        conf = config(Filesystem(device=DEVICE, format="none", wipe_filesystem=True))
        waves, forecast = run(filesystems.plan, conf, world(Signature("ext4", "a", UUID)))
        assert len(changes(waves)) == 1
        assert forecast.signature(DEVICE) == Signature()

    def test_a_table_is_wiped_too(self) -> None:
        machine = world()
        machine.tables[DEVICE] = PartitionTable("dos")
        conf = config(Filesystem(device=DEVICE, format="ext4"))
        assert [argv[0] for argv in commands(conf, machine)] == ["wipefs", "mkfs.ext4"]


def test_independent_devices_side_by_side() -> None:
    names = [f"/dev/vd{letter}" for letter in "abcd"]
    machine = World()
    for name in names:
        machine.with_device(name)
    conf = config(*(Filesystem(device=name, format="xfs", label="same") for name in names))
    waves, forecast = run(filesystems.plan, conf, machine)
    assert [len(wave) for wave in waves] == [4]
    assert forecast.device("/dev/disk/by-label/same") is None


def test_nothing_to_do() -> None:
    conf = config(Filesystem(device=DEVICE), Filesystem(device="tag", format="virtiofs"))
    assert run(filesystems.plan, conf, World())[0] == []


def test_missing_devices_are_awaited_and_taken_for_blank() -> None:
    waves, _ = run(filesystems.plan, config(Filesystem(device=DEVICE, format="ext4")), World())
    assert waves[0] == (WaitForDevices((DEVICE,), ("storage", "filesystems")),)
    assert len(changes(waves)) == 1


def test_a_device_that_does_not_appear_is_refused() -> None:
    plan = filesystems.plan(config(Filesystem(device=DEVICE, format="ext4")), World())
    next(plan)
    with pytest.raises(PlanRefused, match=r"storage.filesystems\[0\]: there is no device /dev/vda1"):
        next(plan)


def test_wipefs_is_needed_where_there_is_something_to_wipe() -> None:
    conf = config(Filesystem(device=DEVICE, format="ext4", wipe_filesystem=True))
    machine = World(lacking=["wipefs"])
    assert commands(conf, machine.with_device(DEVICE, 64 * MIB))
    found = machine.with_device(DEVICE, 64 * MIB, signature=Signature("xfs"))
    assert refused(conf, found) == [
        "storage.filesystems[0]: wipefs is needed and not on PATH; it is in the package util-linux of Debian"
    ]


def test_a_missing_program_is_named_with_its_package() -> None:
    machine = World(lacking=["mkfs.xfs"]).with_device(DEVICE, 64 * MIB)
    with pytest.raises(PlanRefused) as caught:
        run(filesystems.plan, config(Filesystem(device=DEVICE, format="xfs")), machine)
    assert [one.hint for one in caught.value.problems] == ["it is in the package xfsprogs of Debian"]


def test_all_reasons_at_once() -> None:
    machine = World(lacking=["mkfs.xfs"]).with_device("/dev/vda", 1, "/dev/a").with_device("/dev/vdb", in_use="mounted")
    conf = config(
        Filesystem(device="/dev/vda", format="xfs"),
        Filesystem(device="/dev/a", format="ext4"),
        Filesystem(device="/dev/vdb", format="ext4"),
    )
    assert refused(conf, machine) == [
        "storage.filesystems[1]: /dev/a is already used by storage.filesystems[0]",
        "storage.filesystems[0]: mkfs.xfs is needed and not on PATH; it is in the package xfsprogs of Debian",
        "storage.filesystems[2]: refusing to write to active device /dev/vdb (mounted)",
    ]


def test_the_second_plan_changes_nothing() -> None:
    conf = config(Filesystem(device=DEVICE, format="vfat", label="x"))
    _, forecast = run(filesystems.plan, conf, world())
    assert not changes(run(filesystems.plan, conf, forecast)[0])


@pytest.mark.parametrize(
    ("label", "unfinished"), [("data", True), ("", True), ("", False)], ids=["not whole", "neither", "no label yet"]
)
def test_what_an_interrupted_run_left_half_made_is_made_again(label: str, unfinished: bool) -> None:
    chosen = chosen_uuid(World(), "filesystem", DEVICE)
    machine = world(Signature("vfat", label, chosen[:8], unfinished=unfinished))
    waves, _ = run(filesystems.plan, config(Filesystem(device=DEVICE, format="vfat", label="data")), machine)
    wipe, make = changes(waves)
    assert (wipe.title, wipe.destroys) == (f"wipe {DEVICE}, where an interrupted run left off", "")
    assert make.title == f"make vfat 'data' on {DEVICE}"


def test_what_somebody_else_left_half_made_is_refused() -> None:
    machine = world(Signature("xfs", "data", UUID, unfinished=True))
    (reason,) = refused(config(Filesystem(device=DEVICE, format="xfs", label="data")), machine)
    assert "interrupted while it was made" in reason


@pytest.mark.parametrize(
    ("size", "options", "tried"),
    [
        (TRIED_BELOW - 1, (), True),
        (TRIED_BELOW, (), False),
        (1 * MIB, ("-b", "4096"), True),
        (1 * MIB, ("-J", "device=x"), False),
    ],
)
def test_a_small_device_is_refused_if_the_program_would(size: int, options: tuple[str, ...], tried: bool) -> None:
    """There is no trial with options that may name devices and files, to which it would write."""
    machine = World().with_device(DEVICE, size)
    machine.mkfs_refusals["mkfs.ext4"] = "it is too small"
    conf = config(Filesystem(device=DEVICE, format="ext4", label="data", uuid=UUID, options=options))
    if tried:
        (reason,) = refused(conf, machine)
        assert reason.startswith("storage.filesystems[0]: mkfs.ext4 refuses /dev/vda1 (")
        assert reason.endswith("): it is too small")
        assert machine.tried[0] == (("mkfs.ext4", *options, "-n", "-F", "-L", "data"), size)
    else:
        run(filesystems.plan, conf, machine)
        assert machine.tried == []


@pytest.mark.parametrize(
    ("kind", "options", "tried"),
    [
        ("ext4", ("-b", "4096"), True),
        ("xfs", ("-b", "size=4096"), True),
        ("vfat", ("-F", "32"), False),
        ("btrfs", ("-n", "4096"), False),
        ("swap", ("-p", "4096"), False),
    ],
)
def test_large_sizes_are_tried_with_programs_that_can_write_nothing(
    kind: str, options: tuple[str, ...], tried: bool
) -> None:
    """The bytes of the others would take memory."""
    machine = World().with_device(DEVICE, TRIED_BELOW)
    run(filesystems.plan, config(Filesystem(device=DEVICE, format=kind, options=options)), machine)
    assert bool(machine.tried) == tried


def test_a_device_that_is_not_there_is_not_tried() -> None:
    machine = World()
    machine.mkfs_refusals["mkfs.ext4"] = "it is too small"
    machine.devices[DEVICE] = Device(DEVICE, 1, assumed=True)
    run(filesystems.plan, config(Filesystem(device=DEVICE, format="ext4")), machine)


def test_a_program_that_also_refuses_a_large_device_does_not_mean_the_size() -> None:
    machine = World().with_device(DEVICE, 1 * MIB)
    machine.mkfs_refusals["mkfs.ext4"], machine.refuses_all_sizes = "it is broken", True
    run(filesystems.plan, config(Filesystem(device=DEVICE, format="ext4")), machine)
