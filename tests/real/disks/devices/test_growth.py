"""`provision grow` on a disk that a config has given the partitions of Container Linux, and that became larger."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.stages.disks.partitions.growth import RESIZE_TYPE
from tests.real.disks.loop_devices import MIB, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

BIN = Path(sys.executable).parent
USR = "5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6"
RESERVED = "C95DC21A-DF0E-4340-8D7B-26CBFA9A03E0"
PARTITIONS = [
    (1, "EFI-SYSTEM", 8, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"),
    (2, "BIOS-BOOT", 2, "21686148-6449-6E6F-744E-656564454649"),
    (3, "USR-A", 16, USR),
    (4, "USR-B", 16, USR),
    (5, "ROOT-C", 1, RESERVED),
    (6, "OEM", 8, "0FC63DAF-8483-4772-8E79-3D69D8477DE4"),
    (7, "OEM-CONFIG", 4, RESERVED),
    (9, "ROOT", 128, RESIZE_TYPE),
]
"""Number, label, MiB and type of Container Linux's partitions, smaller than there. It has no number 8.

ROOT has btrfs here: ext4 grows while it is mounted only with CAP_SYS_RESOURCE, which containers do not give.
"""

ATTRIBUTES = "GUID:48,56"
"""For sfdisk: priority 1, no tries, successful (bits 48 to 51, 52 to 55, 56)."""


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def config(disk: str) -> str:
    partitions = [
        {"number": number, "label": label, "sizeMiB": size, "typeGuid": kind}
        for number, label, size, kind in PARTITIONS
    ]
    root = {"device": f"{disk}9", "format": "btrfs", "label": "ROOT"}
    storage = {"disks": [{"device": disk, "partitions": partitions}], "filesystems": [root]}
    return json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage})


def shown(disk: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("sfdisk", "--json", disk))["partitiontable"]["partitions"]
    return found


def test_the_layout_of_container_linux_grows(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    (tmp_path / "config.ign").write_text(config("/dev/vda"))
    run(str(BIN / "provision"), "apply", str(tmp_path / "config.ign"), "--disk", f"/dev/vda={image}:200M")
    run("sfdisk", "--part-attrs", str(image), "3", ATTRIBUTES)
    os.truncate(image, 320 * MIB)
    with loop(image) as disk:
        subprocess.run(["partx", "--add", disk], check=False)  # kernels without a parser of tables
        before = shown(disk)
        assert [(one["name"], one["type"]) for one in before] == [(label, kind) for _, label, _, kind in PARTITIONS]
        # it is marked, but it may belong to another system
        assert f"keep {disk}p9: it is marked as growing, but not mounted" in run(str(BIN / "provision"), "grow")
        assert shown(disk) == before
        mounted = tmp_path / "mounted"
        mounted.mkdir()
        run("mount", f"{disk}p9", str(mounted))
        try:
            (mounted / "kept").write_text("kept")
            first = run(str(BIN / "provision"), "grow")
            size = os.statvfs(mounted)
            second = run(str(BIN / "provision"), "grow", f"{disk}p9")
            assert (mounted / "kept").read_text() == "kept"
        finally:
            run("umount", str(mounted))
        after = shown(disk)
        assert size.f_blocks * size.f_frsize > 200 * MIB
        others = [line for line in first.splitlines() if line.startswith("keep /dev/")]  # disks of this machine
        grown = [line for line in first.splitlines() if line not in others]
        assert grown[0].startswith("grow partition 9 from 128 MiB to ")
        assert not any(f"{disk}p" in line for line in others)
        assert second.splitlines() == [f"grow the file system on {disk}p9"]
        assert after[:-1] == before[:-1]
        assert {**after[-1], "size": before[-1]["size"]} == before[-1]
        assert "GUID:48,56" in str(after[2]["attrs"])
        run("sgdisk", "--verify", disk)
        if shutil.which("cgpt"):
            attributes = [run("cgpt", "show", "-i", "3", flag, disk).strip() for flag in ("-P", "-T", "-S")]
            assert attributes == ["1", "0", "1"]


def test_another_table_than_a_gpt_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.touch()
    os.truncate(image, 16 * MIB)
    subprocess.run(["sfdisk", "--quiet", image], input="label: dos\nsize=4M\n", text=True, check=True)
    with loop(image) as disk:
        subprocess.run(["partx", "--add", disk], check=False)
        done = subprocess.run([BIN / "provision", "grow", f"{disk}p1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has a partition table of the kind dos" in done.stderr


def test_what_is_no_partition_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([BIN / "provision", "grow", str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no such partition" in done.stderr
