"""Power cuts after each action on disks: the next boot leaves the same disks as an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from provision.system.block import udev
from tests.real.disks.interruption.power_cuts import NEVER, Ended, boot
from tests.real.disks.loop_devices import MIB, blank, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

needs_stacks = pytest.mark.skipif(
    not (Path("/sys/module/dm_crypt").exists() and Path("/proc/mdstat").exists()),
    reason="the kernel has no dm-crypt, or no md",
)

SIZE = 1024 * MIB
LABEL = f"t{os.getpid()}"
CHECKS = {
    "ext4": ("e2fsck", "-fn"),
    "xfs": ("xfs_repair", "-n"),
    "btrfs": ("btrfs", "check"),
    "vfat": ("fsck.fat", "-n"),
}
"""What says whether a file system is whole."""


def part(name: str, size: int, number: int = 0, **more: object) -> dict[str, object]:
    return {"label": LABEL + name, "sizeMiB": size, "number": number, **more}


def partition(name: str) -> str:
    return f"/dev/disk/by-partlabel/{LABEL}{name}"


def filesystem(format_: str, name: str, **more: object) -> dict[str, object]:
    return {"device": partition(name), "format": format_, "label": name, **more}


class Old(NamedTuple):
    """The initial contents of the disk: partitions with a label, a size and a file system."""

    partitions: tuple[tuple[str, int, str], ...] = ()


class Node(NamedTuple):
    """A config, and the disk to which it is applied.

    `devices` are compared at the end, too; `lost` is the message for a state from which no run can continue.
    """

    storage: dict[str, Any]
    old: Old = Old()
    stages: Sequence[str] = ("disks",)
    devices: Sequence[str] = ()
    lost: str = ""


NODES = {
    "a blank disk": Node(
        {
            "disks": [
                {
                    "partitions": [
                        part("EFI", 20, 1),
                        part("ROOT", 170),
                        part("DATA", 310),
                        part("MORE", 170),
                        part("SWAP", 20),
                    ]
                }
            ],
            "filesystems": [
                filesystem("vfat", "EFI"),
                filesystem("ext4", "ROOT"),
                filesystem("xfs", "DATA"),
                filesystem("btrfs", "MORE"),
                filesystem("swap", "SWAP"),
            ],
        }
    ),
    "an old disk, wiped": Node(
        {
            "disks": [{"wipeTable": True, "partitions": [part("ROOT", 170, 2), part("DATA", 310), part("EFI", 20)]}],
            "filesystems": [
                filesystem("ext4", "ROOT", wipeFilesystem=True),
                filesystem("xfs", "DATA", wipeFilesystem=True),
                filesystem("vfat", "EFI", wipeFilesystem=True),
            ],
        },
        Old((("ROOT", 100, "ext4"), ("OTHER", 310, "xfs"), ("THIRD", 20, "vfat"))),
    ),
    "beside what stays": Node(
        {
            "disks": [
                {
                    "partitions": [
                        part("KEEP", 100, 1),
                        {"number": 2, "shouldExist": False, "wipePartitionEntry": True},
                        part("GROW", 400, 3, resize=True),
                        part("NEW", 200, 4),
                    ]
                }
            ],
            "filesystems": [
                filesystem("ext4", "KEEP"),
                filesystem("btrfs", "NEW", wipeFilesystem=True),
            ],
        },
        Old((("KEEP", 100, "ext4"), ("GONE", 310, "xfs"), ("GROW", 100, "ext4"))),
    ),
}


FAST = ("--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000")
ARRAY, VOLUME = f"{LABEL}array", f"{LABEL}volume"
STACKED = {
    "an array": Node(
        {
            "disks": [{"partitions": [part("A", 100), part("B", 100)]}],
            "raid": [{"name": ARRAY, "level": "raid1", "devices": [partition("A"), partition("B")]}],
            "filesystems": [{"device": f"/dev/md/{ARRAY}", "format": "ext4"}],
        },
        devices=(f"/dev/md/{ARRAY}",),
    ),
    "a volume with a key": Node(
        {
            "disks": [{"partitions": [part("A", 100)]}],
            "luks": [{"name": VOLUME, "device": partition("A"), "options": FAST, "keyFile": {"source": "data:,key"}}],
            "filesystems": [{"device": f"/dev/mapper/{VOLUME}", "format": "ext4"}],
        },
        devices=(f"/dev/mapper/{VOLUME}",),
    ),
    "a volume whose key is made": Node(
        {
            "disks": [{"partitions": [part("A", 100)]}],
            "luks": [{"name": VOLUME, "device": partition("A"), "options": FAST}],
            "filesystems": [{"device": f"/dev/mapper/{VOLUME}", "format": "ext4"}],
        },
        devices=(f"/dev/mapper/{VOLUME}",),
        lost="an interrupted run made it, and its key is lost",
    ),
}


class TargetMachine:
    """A disk on a loop device, under a name that stays, and a root."""

    def __init__(self, folder: Path, old: Old) -> None:
        self.folder = folder
        self.disk = folder.parent / "disk"
        (folder / "root").mkdir(parents=True)
        self.image = folder / "disk.img"
        template = folder.parent / "template.img"
        if not template.exists():
            with loop(blank(template, SIZE)) as node:
                self._prepare(node, old)
        subprocess.run(["cp", "--sparse=always", template, self.image], check=True)

    def _prepare(self, node: str, old: Old) -> None:
        """Put the initial contents on the disk."""
        lines = [f"name={LABEL}{name}, size={size}MiB" for name, size, _ in old.partitions]
        if not lines:
            return
        subprocess.run(["sfdisk", "-q", node], input="label: gpt\n" + "\n".join(lines), check=True, text=True)
        subprocess.run(["partx", "--update", node], check=True)
        for number, (name, _, kind) in enumerate(old.partitions, 1):
            label = "-n" if kind == "vfat" else "-L"
            subprocess.run([f"mkfs.{kind}", label, name, f"{node}p{number}"], check=True, capture_output=True)

    def boot(self, device: str, node: Node, left: int = NEVER, seconds: float = NEVER) -> Ended:
        self.disk.unlink(missing_ok=True)
        self.disk.symlink_to(device)
        # a kernel that boots reads the table; that of this machine may know no GPT
        subprocess.run(["partx", "--update", device], check=False, capture_output=True)
        if udev.running():  # udev may assemble an array, as it does before the disks stage of a boot
            subprocess.run(["udevadm", "settle"], check=True)
        storage = json.loads(json.dumps(node.storage))
        storage["disks"][0]["device"] = str(self.disk)
        config = {"ignition": {"version": "3.4.0"}, "storage": storage}
        return boot(self.folder, config, node.stages, left, seconds)

    def picture(self, device: str, node: Node) -> dict[str, object]:
        """The table, and the contents of each partition and device, complete or not."""
        table = json.loads(subprocess.check_output(["sfdisk", "--json", device]))["partitiontable"]
        told: dict[str, object] = {"guid": table["id"]}
        for one in table["partitions"]:
            one["node"] = one["node"].removeprefix(device)
            told[one["name"]] = (one, *self._held(f"{device}{one['node']}"))
        return told | {name: self._held(name) for name in node.devices}

    def switch_off(self, node: Node) -> None:
        """Close what does not survive a power cut."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        for name in node.devices:
            if Path(name).exists():
                stop = ["mdadm", "--stop"] if name.startswith("/dev/md/") else ["cryptsetup", "close"]
                subprocess.run([*stop, name], check=True, capture_output=True)

    def _held(self, partition: str) -> tuple[str, str]:
        argv = ["blkid", "--probe", "--output", "export", partition]
        found = subprocess.run(argv, check=False, capture_output=True, text=True).stdout.splitlines()
        told = sorted(line for line in found if line.split("=")[0] in {"TYPE", "LABEL", "UUID"})
        kind = next((line[5:] for line in told if line.startswith("TYPE=")), "")
        check = CHECKS.get(kind, ("true",))
        done = subprocess.run([*check, partition], check=False, capture_output=True, text=True)
        return "\n".join(told), f"{done.returncode} {done.stdout}" if done.returncode else ""


def undisturbed(folder: Path, node: Node) -> tuple[dict[str, object], int]:
    """The result of a boot without interruption, and the number of its actions."""
    target = TargetMachine(folder, node.old)
    with loop(target.image) as device:
        ended = target.boot(device, node)
        assert (ended.failure, ended.killed) == ("", False)
        picture = target.picture(device, node)
        target.switch_off(node)
    return picture, len(ended.done)


class Known(NamedTuple):
    """A folder for the disks of one node, and how a boot of it ends that nothing interrupts."""

    folder: Path
    picture: dict[str, object]
    actions: int


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Known]:
    """Gives what is known of a node of NODES or STACKED, by its name. An undisturbed boot is run once for all tests."""

    @cache
    def known(name: str) -> Known:
        folder = tmp_path_factory.mktemp("node")
        return Known(folder, *undisturbed(folder / "whole", {**NODES, **STACKED}[name]))

    return known


@pytest.mark.parametrize("name", NODES)
def test_every_interruption_ends_in_the_same_disks(name: str, tmp_path: Path) -> None:
    node = NODES[name]
    expected, actions = undisturbed(tmp_path / "whole", node)
    assert actions >= 3
    for left in range(1, actions + 1):
        assert after_a_power_failure(tmp_path / f"killed-{left}", node, left=left) == expected, f"{left} of {actions}"


@pytest.mark.parametrize("name", NODES)
def test_a_kill_at_any_moment(name: str, tmp_path: Path) -> None:
    node = NODES[name]
    began = time.monotonic()
    expected, _ = undisturbed(tmp_path / "whole", node)
    lasts = time.monotonic() - began
    for moment in range(5):
        seconds = lasts * random.Random(f"{name}{moment}").uniform(0.05, 1)
        assert after_a_power_failure(tmp_path / f"killed-{moment}", node, seconds=seconds) == expected, seconds


@needs_stacks
@pytest.mark.parametrize(
    ("name", "off"),
    [*((name, True) for name in STACKED), ("a volume with a key", False)],
)
def test_arrays_and_volumes(name: str, off: bool, known: Callable[[str], Known]) -> None:
    node = STACKED[name]
    folder, expected, actions = known(name)
    report_times = (
        range(2, actions) if off else range(actions - 1, actions)
    )  # the first thing made is a table, as above
    ends = [after_a_power_failure(folder / f"at-{left}-{off}", node, left=left, off=off) for left in report_times]
    stopped = [end for end in ends if end != expected]
    assert all(node.lost and node.lost in str(end) for end in stopped)
    assert bool(stopped) == bool(node.lost)


def after_a_power_failure(
    folder: Path, node: Node, left: int = NEVER, seconds: float = NEVER, *, off: bool = True
) -> dict[str, object]:
    """The result after a boot that was interrupted and a second one, or the second one's error. Without `off` only
    processes were killed.
    """
    target = TargetMachine(folder, node.old)
    with loop(target.image) as device:
        first = target.boot(device, node, left, seconds)
        assert first.failure == ""
        if off:
            target.switch_off(node)
        ended = target.boot(device, node)
        picture: dict[str, object] = {"said": ended.failure}
        if not node.lost:
            assert (ended.failure, ended.killed) == ("", False), first.done
        if not ended.failure:
            picture = target.picture(device, node)
        target.switch_off(node)
    shutil.rmtree(folder)
    return picture


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to stop a program at a certain write")
@pytest.mark.parametrize("writes", [1, 2, 4, 8, 16, 32, 64, 128])
def test_a_half_made_file_system_is_made_again(
    writes: int, known: Callable[[str], Known], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers = ("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "mkfs.fat", "mkswap")
    name = "a blank disk"
    _is_made_again(NODES[name], stopping_at(writes, tmp_path, makers), known(name), monkeypatch)


@needs_stacks
@pytest.mark.parametrize(
    ("name", "writes"),
    [("an array", 3), ("a volume with a key", 12), ("a volume with a key", 20), ("a volume whose key is made", 24)],
)
def test_a_half_made_array_or_volume_is_made_again(
    name: str, writes: int, known: Callable[[str], Known], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = stopping_at(writes, tmp_path, ("mdadm", "cryptsetup"))
    _is_made_again(STACKED[name], tools, known(name), monkeypatch)


def _is_made_again(node: Node, tools: str, known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    target = TargetMachine(known.folder / f"stopped-by-{Path(tools).parent.name}", node.old)
    with loop(target.image) as device:
        with monkeypatch.context() as patch:
            patch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
            assert "make " in target.boot(device, node).failure
        target.switch_off(node)
        ended = target.boot(device, node)
        assert (ended.failure, ended.killed) == ("", False)
        assert target.picture(device, node) == known.picture
        target.switch_off(node)
    shutil.rmtree(target.folder)


def stopping_at(writes: int, folder: Path, makers: Sequence[str]) -> str:
    """A directory with makers that are killed at a certain write."""
    tools = folder / "bin"
    tools.mkdir()
    calls = "write,pwrite64,pwritev,pwritev2"
    for name in makers:
        strace = f"strace -f -qq -o /dev/null -e trace={calls} -e inject={calls}:signal=KILL:when={writes}"
        (tools / name).write_text(f'#!/bin/sh\nexec {strace} {shutil.which(name)} "$@"\n')
        (tools / name).chmod(0o755)
    return str(tools)
