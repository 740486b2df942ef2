"""Options of tools that name files or devices of this machine are refused for disk images."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.disks.loop_devices import MIB, blank, left_attached, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

MARK = b"precious" * 4096

ENTRIES: dict[str, tuple[str, dict[str, object]]] = {
    "btrfs, another device": ("filesystems", {"format": "btrfs", "options": ["{victim}"]}),
    "xfs, log device": ("filesystems", {"format": "xfs", "options": ["-l", "logdev={victim},size=64m"]}),
    "xfs, by a name here": ("filesystems", {"format": "xfs", "options": ["-d", "file,name=victim.img,size=1g"]}),
    "ext4, a number of blocks": ("filesystems", {"format": "ext4", "options": ["{victim}"]}),
    "ext4, journal device": ("filesystems", {"format": "ext4", "options": ["-J", "device={victim}"]}),
    "luks, header": ("luks", {"name": "confined", "options": ["--header={victim}"]}),
    "luks, header on opening": ("luks", {"name": "confined", "openOptions": ["--header={victim}"]}),
    "luks, key": ("luks", {"name": "confined", "options": ["--key-file={victim}"]}),
    "raid, bitmap": ("raid", {"name": "confined", "level": "raid1", "options": ["--bitmap={victim}"]}),
    "raid, journal": ("raid", {"name": "confined", "level": "raid5", "options": ["--write-journal", "{victim}"]}),
    "raid, another member": ("raid", {"name": "confined", "level": "raid1", "options": ["{victim}"]}),
}


def config(kind: str, entry: dict[str, object], victim: str) -> str:
    place = {"devices": ["/dev/vda1", "/dev/vda2"]} if kind == "raid" else {"device": "/dev/vda1"}
    sizes = [{"number": 1, "sizeMiB": 400}, {"number": 2, "sizeMiB": 400}]
    storage = {"disks": [{"device": "/dev/vda", "partitions": sizes}], kind: [entry | place]}
    text = json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage})
    return text.replace("{victim}", victim)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def apply(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "provision", "apply", "-", "--image", str(folder / "disk.img"), "--size", "1G"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    return subprocess.run(
        argv, input=text, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = blank(tmp_path / "victim.img", 128 * MIB)
    with path.open("r+b") as file:
        file.write(MARK)
        file.seek(64 * MIB)
        file.write(MARK)
    return path


def _stays(name: str, named: str, victim: Path) -> None:
    before = digest(victim)
    done = apply(config(*ENTRIES[name], named), victim.parent)
    assert digest(victim) == before
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert f"storage.{ENTRIES[name][0]}[0]." in done.stderr
    assert [path.name for path in victim.parent.iterdir()] == ["victim.img"], "it is refused before anything starts"


@pytest.mark.parametrize("name", ENTRIES)
def test_a_file_of_this_machine(name: str, victim: Path) -> None:
    _stays(name, str(victim), victim)
    assert left_attached(victim.parent) == []


@pytest.mark.parametrize("name", ENTRIES)
def test_a_device_of_this_machine(name: str, victim: Path) -> None:
    with loop(victim) as node:
        _stays(name, node, victim)


def test_options_that_stay_in_the_image_work(tmp_path: Path) -> None:
    entry: dict[str, object] = {
        "format": "ext4",
        "options": ["-E", "lazy_itable_init=1", "-O", "^has_journal", "-m", "0"],
    }
    done = apply(config("filesystems", entry, ""), tmp_path)
    assert done.returncode == 0, done.stderr
