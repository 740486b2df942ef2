"""Programs that work on images see a /dev without the disks of this machine."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.disks.loop_devices import MIB, blank, is_rooted, left_attached, loop, mounted
from tests.real.disks.security.run_apply import apply

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

MAKER = """\
#!/bin/sh
ls -R /dev >{folder}/seen
for node in {nodes}; do
    dd if=/dev/zero of=$node count=1 conv=notrunc,nocreat,fsync 2>>{folder}/said && echo $node >>{folder}/reached
done
exec {real} "$@"
"""


def storage(**parts: object) -> dict[str, object]:
    return {"ignition": {"version": "3.4.0"}, "storage": parts}


ONE_DISK = storage(
    disks=[{"device": "/dev/vda", "partitions": [{"number": 1, "label": "ROOT"}]}],
    filesystems=[{"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4", "path": "/"}],
    files=[{"path": "/etc/motd", "contents": {"source": "data:,hello"}}],
)


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    before = os.listdir("/dev/mapper") if Path("/dev/mapper").is_dir() else []
    yield
    assert left_attached(tmp_path) == []
    assert mounted(tmp_path) == []
    assert (os.listdir("/dev/mapper") if Path("/dev/mapper").is_dir() else []) == before


def test_a_tool_cannot_reach_the_disks_of_this_machine(tmp_path: Path) -> None:
    victim, marked = blank(tmp_path / "victim.img", 16 * MIB), b"precious" * 512
    victim.write_bytes(marked)
    real = shutil.which("mkfs.ext4")
    with loop(victim) as node:
        elsewhere = tmp_path / "node"
        os.mknod(elsewhere, stat.S_IFBLK | 0o600, os.stat(node).st_rdev)
        maker = tmp_path / "bin/mkfs.ext4"
        maker.parent.mkdir()
        nodes = (
            [node, str(elsewhere)] if is_rooted() else [node]
        )  # a directory that is not a mount point cannot be remounted without devices
        maker.write_text(MAKER.format(folder=tmp_path, nodes=" ".join(nodes), real=real))
        maker.chmod(0o755)
        path = f"{maker.parent}:{os.environ['PATH']}"
        done = apply(ONE_DISK, "--image", tmp_path / "a.img", "--size", "256M", PATH=path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "reached").exists(), (tmp_path / "said").read_text()
    assert victim.read_bytes() == marked
    seen = (tmp_path / "seen").read_text().split()
    assert {"null", "urandom", "loop-control"} <= set(seen)
    assert os.path.basename(node) not in seen
    assert sum(name.startswith("loop") and name[4:].isdigit() for name in seen) == 2, "the disk's and the partition's"


def test_images_in_shared_memory_stay_reachable() -> None:
    image = Path(f"/dev/shm/provision-test-{os.getpid()}.img")
    try:
        done = apply(ONE_DISK, "--image", image, "--size", "64M")
        assert (done.returncode, done.stderr) == (0, "")
        assert image.stat().st_size == 64 * MIB
    finally:
        image.unlink(missing_ok=True)


def test_without_mounts_of_its_own_it_does_not_begin(tmp_path: Path) -> None:
    argv = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-m", "provision", "apply", "-"]
    argv += ["--image", str(tmp_path / "a.img"), "--size", "64M"]
    done = subprocess.run(argv, input=json.dumps(ONE_DISK), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot hide the disks of this machine from programs" in done.stderr
    assert "--privileged" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/sys/module/dm_crypt").exists(), reason="the kernel has no dm-crypt")
def test_a_volume_on_an_array(tmp_path: Path) -> None:
    parts = [{"number": 1, "label": "ROOT", "sizeMiB": 64}, {"number": 2, "label": "one", "sizeMiB": 100}]
    config = storage(
        disks=[
            {"device": "/dev/vda", "partitions": parts},
            {"device": "/dev/vdb", "partitions": [{"number": 1, "label": "two", "sizeMiB": 100}]},
        ],
        raid=[
            {"name": "data", "level": "raid1", "devices": [f"/dev/disk/by-partlabel/{one}" for one in ("one", "two")]}
        ],
        luks=[
            {
                "name": "safe",
                "device": "/dev/md/data",
                "keyFile": {"source": "data:,secret"},
                "options": ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"],
            }
        ],
        filesystems=[
            {"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4", "path": "/"},
            {"device": "/dev/mapper/safe", "format": "ext4", "label": "SAFE", "path": "/srv"},
        ],
        files=[{"path": "/srv/hello", "contents": {"source": "data:,hello"}}],
    )
    disks = [f"--disk=/dev/vd{name}={tmp_path}/{name}.img:256M" for name in "ab"]
    done = apply(config, *disks)
    assert (done.returncode, done.stderr) == (0, "")
    assert "unmount /srv" in done.stdout
