"""A run that is killed leaves each file complete, with its mode, or absent; no descriptor stays open."""

from __future__ import annotations

import os
import random
import signal
import stat
import time
from pathlib import Path

import pytest

from provision.planning.arguments import Blob, Content
from provision.planning.boot_state import BootState
from provision.planning.file_actions import FileAction, MakeDirectory, MakeHardLink, MakeSymlink, RemovePath, WriteFile
from provision.system.block.image_devices import ImageDevices
from provision.system.machine import Machine

pytestmark = pytest.mark.disks

FILES = 400
UID, GID = os.geteuid(), os.getegid()


def actions(data: bytes) -> list[FileAction]:
    return [
        WriteFile(f"/d{n % 7}/{n}", (Content(data),), 0o4750, UID, GID, parents=(f"/d{n % 7}",)) for n in range(FILES)
    ]


def machine(folder: Path) -> Machine:
    return Machine(str(folder / "root"), ImageDevices({}), BootState(), str(folder / "run"))


def files(folder: Path) -> list[Path]:
    """The files under their final names; a killed run may also leave a file under a temporary name."""
    return [one for one in folder.rglob("*") if one.is_file() and not one.name.startswith(".provision-")]


@pytest.mark.parametrize("seed", range(25))
def test_killed_while_writing(tmp_path: Path, seed: int) -> None:
    (tmp_path / "root").mkdir()
    old, new = b"old" * 3000, b"newer" * 3000
    machine(tmp_path).apply_nodes(actions(old)[: FILES // 2])
    child = os.fork()
    if child == 0:
        os.umask(0o077)  # as a stage has it
        machine(tmp_path).apply_nodes(actions(new))
        os._exit(0)
    time.sleep(random.Random(seed).random() * 0.06)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for path in files(tmp_path):
        assert path.read_bytes() in {old, new}
        assert stat.S_IMODE(path.stat().st_mode) == 0o4750
    machine(tmp_path).apply_nodes(actions(new))
    left = [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
    assert len(left) == FILES
    assert {path.read_bytes() for path in left} == {new}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "root").iterdir()} == {0o755}


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    one = machine(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with one.new_blob(Blob("b"), "/file") as blob_store:
            blob_store.write(b"x")
        one.apply_nodes([*actions(b"x"), WriteFile("/blob", (Blob("b"),), 0o644, UID, GID)])
        one.apply_nodes(
            [
                MakeSymlink("/link", "x", UID, GID),
                MakeHardLink("/hard", "/blob"),
                MakeDirectory("/dir", 0o755, UID, GID),
            ]
        )
        one.apply_nodes([RemovePath(f"/d{n}") for n in range(7)])
        one.content("/blob")
        one.children("/")
        one.user("root")
    one.release()
    assert len(os.listdir("/proc/self/fd")) == before
