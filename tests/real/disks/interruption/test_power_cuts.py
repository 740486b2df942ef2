"""Power cuts after half of the actions of a whole boot, by chance: the next boot ends as an undisturbed one does."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.fetch.server import Answer, serve
from tests.real.disks.interruption.power_cuts import NEVER, Ended, boot
from tests.real.disks.interruption.test_interruption import picture
from tests.real.disks.loop_devices import MIB, blank, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

LABEL = f"n{os.getpid()}"
REMOTE = b"from afar\n" * 5000
STAGES = ("disks", "mount", "files", "umount")


def config(disk: Path, url: str) -> dict[str, Any]:
    partitions = [{"label": f"{LABEL}{name}", "sizeMiB": size} for name, size in (("ROOT", 170), ("VAR", 310))]
    digest = sha256(REMOTE).hexdigest()
    remote = {"source": f"{url}/file", "verification": {"hash": f"sha256-{digest}"}}
    files = [
        {"path": "/etc/motd", "contents": {"source": "data:,hello"}},
        {"path": "/var/lib/one", "mode": 256, "contents": remote},
        {"path": "/var/lib/two", "append": [remote, {"source": "data:,end"}]},
    ]
    unit = {"name": "a.service", "enabled": True, "contents": "[Install]\nWantedBy=x.target\n"}
    by_label = f"/dev/disk/by-partlabel/{LABEL}"
    return {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "disks": [{"device": str(disk), "partitions": partitions}],
            "filesystems": [
                {"device": f"{by_label}ROOT", "format": "ext4", "path": "/"},
                {"device": f"{by_label}VAR", "format": "xfs", "path": "/var"},
            ],
            "files": files,
            "directories": [{"path": "/srv/www", "mode": 493}],
            "links": [
                {"path": "/etc/localtime", "target": "../usr/zone"},
                {"path": "/etc/hard", "target": "/etc/motd", "hard": True},
            ],
        },
        "systemd": {"units": [unit, {"name": "b.service", "mask": True}]},
    }


class DiskUnderTest:
    """A blank disk on a loop device, under a name that stays."""

    def __init__(self, folder: Path) -> None:
        (folder / "root").mkdir(parents=True)
        self.folder = folder
        self.disk = folder.parent / "disk"
        self.image = blank(folder / "disk.img", 600 * MIB)

    def boot(self, device: str, url: str, left: int = NEVER) -> Ended:
        self.disk.unlink(missing_ok=True)
        self.disk.symlink_to(device)
        # a kernel that boots reads the table; that of this machine may know no GPT
        subprocess.run(["partx", "--update", device], check=False, capture_output=True)
        return boot(self.folder, config(self.disk, url), STAGES, left)

    def picture(self, device: str) -> tuple[object, ...]:
        """The table, and the tree without what differs in each run."""
        table = json.loads(subprocess.check_output(["sfdisk", "--json", device]))["partitiontable"]
        entries = [(one["start"], one["size"], one["uuid"], one["name"]) for one in table["partitions"]]
        with mounted(f"{device}p1", self.folder / "root"), mounted(f"{device}p2", self.folder / "root/var"):
            tree = picture(self.folder / "root")
        return table["id"], entries, tree


@contextmanager
def mounted(device: str, folder: Path) -> Iterator[None]:
    subprocess.run(["mount", device, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_every_interruption_ends_in_the_same_disk_and_tree(tmp_path: Path) -> None:
    with serve({"/file": Answer(REMOTE)}) as served:
        whole = DiskUnderTest(tmp_path / "whole")
        with loop(whole.image) as device:
            ended = whole.boot(device, served.url)
            assert ended.failure == ""
            changing = sum(": keep " not in title for title in ended.done)
            assert changing >= 20
            expected = whole.picture(device)
            assert whole.boot(device, served.url).failure == ""
            assert whole.picture(device) == expected
        seed = secrets.randbits(32)
        print(f"seed {seed}")
        for left in random.Random(seed).sample(range(1, changing + 1), changing // 2):
            target = DiskUnderTest(tmp_path / f"killed-{left}")
            with loop(target.image) as device:
                killed = target.boot(device, served.url, left)
                assert killed.failure == "", f"after {left} actions"
                assert killed.killed == (left <= changing)
                assert target.boot(device, served.url).failure == "", f"after {left} actions"
                assert target.picture(device) == expected, f"after {left} actions"
            shutil.rmtree(target.folder)
