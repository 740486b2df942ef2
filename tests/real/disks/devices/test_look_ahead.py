"""The disks stage of a boot, on a loop device: nothing is written if a later stage would refuse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from provision.boot.stage.run import Boot
from provision.config.format import Config, Disk, File, Filesystem, Owner, Partition, Storage
from provision.config.json_text.encode import encode
from provision.failures import PlanRefused
from provision.log import open_log
from tests.real.disks.loop_devices import MIB, blank, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[str]:
    with loop(blank(tmp_path / "disk.img", 64 * MIB)) as node:
        yield node


def config(disk: str, label: str, *filesystems: Filesystem) -> Config:
    file = File(path="/f", group=Owner(name="nobody-here"))
    wiped = Disk(device=disk, wipe_table=True, partitions=(Partition(number=1, label=label),))
    return Config(storage=Storage(disks=(wiped,), filesystems=filesystems, files=(file,))).changed(version="3.4.0")


def boot(folder: Path, config: Config) -> Boot:
    root, cache = folder / "root", folder / "cache.json"
    (root / "etc").mkdir(parents=True, exist_ok=True)
    cache.write_text(encode(config))
    log = open_log(StringIO(), to_stdout=True)
    return Boot("metal", str(root), str(cache), str(folder / "neednet"), 10.0, log, str(folder / "state"), {})


def test_an_unknown_group_is_refused_before_the_disk_is_wiped(tmp_path: Path, disk: str) -> None:
    wanted = config(disk, f"look{os.getpid()}")
    begun = boot(tmp_path, wanted)
    (tmp_path / "root/etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    with pytest.raises(PlanRefused, match='no such group "nobody-here"'):
        begun.run("disks")
    assert not (tmp_path / "disk.img").read_bytes().strip(b"\0")
    (tmp_path / "root/etc/group").write_text("nobody-here:x:7:\n")
    begun.run("disks")
    assert b"EFI PART" in (tmp_path / "disk.img").read_bytes()


def test_a_root_that_is_not_there_yet_refuses_nothing(tmp_path: Path, disk: str) -> None:
    boot(tmp_path, config(disk, f"look{os.getpid()}")).run("disks")
    assert b"EFI PART" in (tmp_path / "disk.img").read_bytes()


def test_a_root_that_another_one_will_be_mounted_over_is_not_asked(tmp_path: Path, disk: str) -> None:
    label = f"look{os.getpid()}"
    root = Filesystem(device=f"/dev/disk/by-partlabel/{label}", format="ext4", path="/")
    begun = boot(tmp_path, config(disk, label, root))
    (tmp_path / "root/etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    begun.run("disks")
    assert b"EFI PART" in (tmp_path / "disk.img").read_bytes()
