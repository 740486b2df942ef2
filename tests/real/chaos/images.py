"""Scenarios with disk images: a new one, and one that has a system already."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provision.system import libc
from tests.real.chaos.contents import Contents, contents_of_tree
from tests.real.chaos.faults import SHORT, TORN
from tests.real.chaos.scenarios import CHANGE_ERRORS, OF_POWER, Errors, Scenario
from tests.real.disks.loop_devices import MIB, blank, left_attached
from tests.target_root import new_root

SECTOR = 512
ON_IMAGES: Errors = {"change": CHANGE_ERRORS, "write": (SHORT, TORN)}
UUID = "a5f3c1b2-0000-4000-8000-00000000000{}"
GUID = "DEADBEEF-0000-4000-8000-00000000000{}"

OLD_TABLE = f"""label: gpt
label-id: {GUID.format(0)}
start=2048, size={24 * MIB // SECTOR}, name=ROOT, uuid={GUID.format(1)}
size={4 * MIB // SECTOR}, name=OLD, uuid={GUID.format(2)}
"""


def _partition(number: int, label: str, size: int = 0) -> dict[str, Any]:
    return {"number": number, "label": label, "sizeMiB": size, "guid": GUID.format(number)}


def _filesystem(number: int, partition: str, format_: str, **more: object) -> dict[str, Any]:
    return {"device": f"/dev/disk/by-partlabel/{partition}", "format": format_, "uuid": UUID.format(number), **more}


def contents(folder: Path) -> Contents:
    """The table of the image, its file systems and their files; and loop devices or temporary files that were left."""
    found: Contents = {"left": (left_attached(folder), sorted(path.name for path in folder.glob(".*.partial")))}
    image = folder / "disk.img"
    if not image.exists():
        return found
    dumped = subprocess.run(["sfdisk", "--json", image], capture_output=True, text=True, check=False).stdout
    table = json.loads(dumped or "{}").get("partitiontable", {})
    for part in table.get("partitions", []):
        start, size = part["start"] * SECTOR, part["size"] * SECTOR
        name = part["node"].removeprefix(str(image))
        blkid = ["blkid", "--probe", "--output", "export", f"--offset={start}", f"--size={size}", str(image)]
        probed = subprocess.run(blkid, capture_output=True, text=True, check=False).stdout.splitlines()
        kept = sorted(line for line in probed if line.startswith(("TYPE=", "UUID=", "LABEL=")))
        found[f"image/{name}"] = ({key: value for key, value in part.items() if key != "node"}, kept)
        if "TYPE=ext4" in kept:
            found |= _files(image, start, size, f"image/{name}/")
    return found


def _files(image: Path, start: int, size: int, prefix: str) -> Contents:
    """The files of an ext4 file system, and whether it is whole."""
    checked = subprocess.run(["e2fsck", "-fn", f"{image}?offset={start}"], capture_output=True, text=True, check=False)
    place = image.parent.with_name("mounted")
    place.mkdir(exist_ok=True)
    options = f"ro,loop,offset={start},sizelimit={size}"

    def look() -> Contents:
        libc.unshare_mounts()
        subprocess.run(["mount", "-o", options, image, place], check=True)
        return contents_of_tree(place)

    whole = "" if checked.returncode == 0 else checked.stdout
    return {f"{prefix}whole": whole, **{prefix + path: node for path, node in _in_child(look).items()}}


def _in_child(look: Callable[[], Contents]) -> Contents:
    """The result of a function in a forked child. What the child mounts in a namespace of its own ends with it.

    A mount in the namespace of the tests would be copied into every namespace that another test makes.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            with open(writing, "wb") as pipe:
                pickle.dump(look(), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    found: Contents = pickle.loads(data)
    return found


def _nothing(folder: Path) -> None:
    for path in (*folder.glob("disk.img"), *folder.glob(".*.partial")):
        path.unlink()


def _old_system(folder: Path) -> None:
    """A copy of an image that is made once."""
    _nothing(folder)
    made = folder.with_name("old.img")
    if not made.exists():
        files = {"etc/list": "one\n", "etc/motd": "old\n", "etc/old.d/a/file": "old\n"}
        root = new_root(folder.with_name("old-root"), files)
        (root / "srv/there").mkdir(parents=True)
        subprocess.run(["sfdisk", "--quiet", blank(made, 48 * MIB)], input=OLD_TABLE.encode(), check=True)
        options = ["-q", "-F", "-L", "ROOT", "-U", UUID.format(1), "-d", str(root), "-E", f"offset={MIB}"]
        subprocess.run(["mkfs.ext4", *options, made, f"{24 * MIB // 1024}k"], check=True)
    shutil.copyfile(made, folder / "disk.img")


def _apply(*options: str) -> Callable[[Path], list[str]]:
    """The command line of `provision apply --image`."""

    def command_line(folder: Path) -> list[str]:
        return ["provision", "apply", f"{folder}/config.ign", "--image", f"{folder}/disk.img", *options]

    return command_line


NEW = Scenario(
    "new-image",
    {
        "storage": {
            "disks": [
                {
                    "device": "/dev/vda",
                    "partitions": [_partition(1, "ROOT", 24), _partition(2, "SWAP", 4), _partition(3, "DATA")],
                }
            ],
            "filesystems": [
                _filesystem(1, "ROOT", "ext4", label="ROOT", path="/"),
                _filesystem(2, "SWAP", "swap"),
                _filesystem(3, "DATA", "ext4", path="/data"),
            ],
            "directories": [{"path": "/data/a", "mode": 448, "user": {"id": 10}}],
            "files": [
                {"path": "/etc/motd", "mode": 384, "contents": {"source": "data:,hello"}},
                {"path": "/data/a/file", "contents": {"source": "data:,there"}},
            ],
            "links": [{"path": "/etc/link", "target": "motd"}],
        },
        "passwd": {"users": [{"name": "core", "uid": 1000, "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]},
    },
    _nothing,
    _apply("--size", "48M", "--force"),
    ON_IMAGES,
    contents,
    atomic=True,
)

XFS = Scenario(
    "xfs-image",
    {
        "storage": {
            "disks": [{"device": "/dev/vda", "partitions": [_partition(1, "DATA")]}],
            "filesystems": [_filesystem(1, "DATA", "xfs")],
        },
    },
    _nothing,
    _apply("--size", "320M", "--force"),
    ON_IMAGES,
    contents,
    atomic=True,
)

OLD = Scenario(
    "old-image",
    {
        "storage": {
            "disks": [
                {
                    "device": "/dev/vda",
                    "partitions": [
                        {"number": 2, "shouldExist": False, "wipePartitionEntry": True},
                        _partition(3, "DATA", 8),
                    ],
                }
            ],
            "filesystems": [
                {"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4", "label": "ROOT", "path": "/"},
                _filesystem(3, "DATA", "ext4"),
            ],
            "directories": [{"path": "/etc/old.d", "overwrite": True}],
            "files": [
                {"path": "/etc/motd", "overwrite": True, "contents": {"source": "data:,hello"}},
                {"path": "/etc/list", "append": [{"source": "data:,two%0A"}]},
                {"path": "/srv/there/file", "contents": {"source": "data:,x"}},
            ],
        },
    },
    _old_system,
    _apply("--force"),
    ON_IMAGES,
    contents,
)

POWER_OLD = OLD._replace(name="power-old-image", errors=OF_POWER)

IMAGES = (NEW, OLD, XFS, POWER_OLD)


def forget_age(folder: Path) -> None:
    """Make temporary files of killed runs old: runs remove only old ones.

    The kernel writes to the file until it has removed the last loop device, and a program of the killed run keeps the
    lock until it has ended: both may be some time after the process has ended.
    """
    left_attached(folder)
    for path in folder.glob(".*.partial"):
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(path, (0, 0))
