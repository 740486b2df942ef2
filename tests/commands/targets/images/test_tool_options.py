"""Options that a config may give to tools on disk images: none with a path outside the image."""

from __future__ import annotations

import pytest

from provision.commands.targets.images.tool_options import check_confined
from provision.config.format import Clevis, ClevisCustom, Config, Filesystem, Luks, Raid, Storage
from provision.failures import PlanRefused


def reasons(storage: Storage) -> list[str]:
    try:
        check_confined(Config(storage=storage))
    except PlanRefused as refused:
        return list(refused.reasons)
    return []


def made(kind: str, *options: str) -> list[str]:
    return reasons(Storage(filesystems=(Filesystem(device="/dev/vda1", format=kind, options=options),)))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (
            "ext4",
            ("-E", "lazy_itable_init=1,root_owner=0:0", "-m0", "-qO", "^has_journal,metadata_csum", "-T", "largefile"),
        ),
        ("ext4", ("-J", "size=16,location=4", "-M", "/srv", "-L", "a/b")),
        ("xfs", ("-m", "reflink=1", "-dagcount=4,su=64k,sw=2", "-l", "size=64m", "-L", "name")),
        ("btrfs", ("--csum=xxhash", "--features", "quota", "-M", "-msingle", "--label", "data")),
        ("vfat", ("-F", "32", "-g", "255/63", "--mbr=y")),
        ("swap", ("-p", "4096", "--label=swap")),
    ],
)
def test_harmless_options_are_accepted(kind: str, options: tuple[str, ...]) -> None:
    assert made(kind, *options) == []


@pytest.mark.parametrize(
    ("kind", "options", "index"),
    [
        ("btrfs", ("/tmp/victim",), 0),
        ("btrfs", ("-M", "victim"), 1),
        ("btrfs", ("--", "victim"), 0),
        ("btrfs", ("--rootdir=tree",), 0),
        ("btrfs", ("--root", "tree"), 0),
        ("btrfs", ("-r", "tree"), 0),
        ("btrfs", ("-Mr", "tree"), 0),
        ("ext4", ("-d", "tree"), 0),
        ("ext4", ("-Fd.",), 0),
        ("ext4", ("-z", "undo"), 0),
        ("ext4", ("-J", "size=16,device=LABEL=journal"), 1),
        ("ext4", ("-Jdevice=UUID=1",), 0),
        ("ext4", ("-m", "0", "4096"), 2),
        ("xfs", ("-l", "logdev=victim,size=64m"), 1),
        ("xfs", ("-d", "file,name=victim,size=1g"), 1),
        ("xfs", ("-r", "rtdev=victim"), 1),
        ("xfs", ("-p", "prototype"), 0),
        ("xfs", ("-c", "options=settings"), 0),
        ("xfs", ("-s", "size=512/../x"), 1),
        ("vfat", ("-C", "victim"), 0),
        ("vfat", ("-m", "message"), 0),
        ("swap", ("--file", "victim"), 0),
        ("swap", ("-L",), 0),
    ],
)
def test_options_with_paths_outside_the_image_are_refused_at_their_place(
    kind: str, options: tuple[str, ...], index: int
) -> None:
    assert made(kind, *options)[0].startswith(f"storage.filesystems[0].options[{index}]: {options[index]} ")


@pytest.mark.parametrize(
    ("option", "harmless"),
    [
        ("noatime", True),
        ("subvol=@/home,compress=zstd:3", True),
        ("x-systemd.requires-mounts-for=/var", True),
        ("device=/dev/sda", False),
        ("noatime,LOGDEV=sda", False),
        ("journal_dev=0x801", False),
        ("bind", False),
    ],
)
def test_mount_options(option: str, harmless: bool) -> None:
    found = reasons(Storage(filesystems=(Filesystem(device="/dev/vda1", format="xfs", mount_options=(option,)),)))
    assert [reason.split(":")[0] for reason in found] == (
        [] if harmless else ["storage.filesystems[0].mountOptions[0]"]
    )


def test_shares_of_this_machine_are_refused() -> None:
    found = reasons(Storage(filesystems=(Filesystem(device="tag", format="virtiofs", path="/srv"),)))
    assert found == ["storage.filesystems[0].device: tag would be a share of this machine"]


@pytest.mark.parametrize(
    ("options", "harmless"),
    [
        (("--pbkdf", "pbkdf2", "--pbkdf-force-iterations=1000", "-c", "aes-xts-plain64"), True),
        (("--header=/tmp/victim",), False),
        (("--head", "victim"), False),
        (("--key-file", "victim"), False),
        (("-dvictim",), False),
        (("victim",), False),
    ],
)
def test_options_of_volumes(options: tuple[str, ...], harmless: bool) -> None:
    found = reasons(Storage(luks=(Luks(name="safe", device="/dev/vda1", options=options),)))
    assert [reason.split(":")[0] for reason in found[:1]] == ([] if harmless else ["storage.luks[0].options[0]"])


@pytest.mark.parametrize("option", ["--header=/tmp/victim", "--refresh", "--volume-key-file=key"])
def test_options_of_opening(option: str) -> None:
    found = reasons(Storage(luks=(Luks(name="safe", open_options=("--persistent", option)),)))
    assert [reason.split(":")[0] for reason in found] == ["storage.luks[0].openOptions[1]"]


@pytest.mark.parametrize(
    ("options", "harmless"),
    [
        (("--bitmap=internal", "--metadata", "1.0", "-c", "64", "--assume-clean"), True),
        (("--bitmap=/tmp/victim",), False),
        (("--write-journal", "/dev/sda"), False),
        (("/dev/sda",), False),
        (("-a", "/dev/sda"), False),
    ],
)
def test_options_of_arrays(options: tuple[str, ...], harmless: bool) -> None:
    found = reasons(Storage(raid=(Raid(name="data", options=options),)))
    assert [reason.split(":")[0] for reason in found[:1]] == ([] if harmless else ["storage.raid[0].options[0]"])


def test_names_that_tools_would_take_for_options_or_paths() -> None:
    pin = Clevis(custom=ClevisCustom(pin="-d", config="/dev/sda"))
    volumes = (Luks(name="--header=/tmp/victim"), Luks(name="safe", clevis=pin))
    arrays = (Raid(name="/dev/md/data"), Raid(name="--auto"), Raid(name="/dev/md/../sda"))
    found = reasons(Storage(luks=volumes, raid=arrays))
    assert [reason.split(":")[0] for reason in found] == [
        "storage.raid[1].name",
        "storage.raid[2].name",
        "storage.luks[0].name",
        "storage.luks[1].clevis.custom.pin",
    ]


def test_all_problems_are_reported_at_once() -> None:
    assert len(made("ext4", "-d", "tree", "other")) == 3
