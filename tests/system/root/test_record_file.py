"""The record file in the target root, and other things in its place."""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from provision.failures import Failure
from provision.system.root.record_file import RecordFile

PATH = "/etc/.record"

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""<linux/fcntl.h>, <linux/fs.h>."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_what_is_written_is_read_back(root: Path) -> None:
    record = RecordFile(str(root), PATH)
    assert record.read() is None
    mask = os.umask(0o077)
    try:
        record.write(0, b"one\n")
        record.write(4, b"half a li", wait=False)
        record.write(4, b"two\n")
    finally:
        os.umask(mask)
    assert record.read() == b"one\ntwo\n"
    assert stat.S_IMODE((root / "etc/.record").stat().st_mode) == 0o600
    assert stat.S_IMODE((root / "etc").stat().st_mode) == 0o755


def test_it_is_replaced_in_one_step(root: Path) -> None:
    record = RecordFile(str(root), PATH)
    record.write(0, b"one\ntwo\n")
    record.replace(b"whole")
    assert record.read() == b"whole"
    assert os.listdir(root / "etc") == [".record"]
    assert stat.S_IMODE((root / "etc/.record").stat().st_mode) == 0o600


def test_a_directory_that_is_exchanged_with_a_link_leads_nowhere_else(root: Path, tmp_path: Path) -> None:
    """However fast the directory is exchanged, nothing is written outside of the root."""
    (tmp_path / "outside").mkdir()
    (root / "etc").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    over = threading.Event()

    def exchange() -> None:
        names = os.fsencode(root / "etc"), os.fsencode(root / "link")
        while not over.is_set():
            ctypes.CDLL(None).renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for _ in range(500):
            with suppress(Failure):
                RecordFile(str(root), PATH).write(0, b"x", wait=False)
    finally:
        over.set()
        thread.join()
    assert list((tmp_path / "outside").iterdir()) == []


def test_links_stay_in_the_root(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / "real").mkdir()
    (root / "etc").symlink_to("/../real")
    RecordFile(str(root), PATH).write(0, b"x")
    assert (root / "real/.record").read_bytes() == b"x"
    (root / "etc").unlink()
    (root / "etc").symlink_to(tmp_path / "outside")
    with pytest.raises(Failure):
        RecordFile(str(root), PATH).write(0, b"x")
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("kind", ["fifo", "socket", "directory", "link", "hard link"])
def test_what_is_no_file_of_ours_is_refused(root: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "etc").mkdir()
    victim, path = root / "etc/shadow", root / "etc/.record"
    victim.write_bytes(b"root:*\n")
    monkeypatch.chdir(root / "etc")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(".record")
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("shadow")
    else:
        path.hardlink_to(victim)
    record = RecordFile(str(root), PATH)
    with pytest.raises(Failure, match=str(path)):
        record.read()
    with pytest.raises(Failure, match=str(path)):
        record.write(0, b"x")
    assert victim.read_bytes() == b"root:*\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_file_of_somebody_else_is_refused(root: Path) -> None:
    RecordFile(str(root), PATH).write(0, b"x")
    os.chown(root / "etc/.record", 1000, 1000)
    with pytest.raises(Failure, match="another user"):
        RecordFile(str(root), PATH).read()


def test_what_the_kernel_refuses_is_a_failure() -> None:
    with pytest.raises(Failure, match=r"/proc/self/etc/\.record: No such file or directory"):
        RecordFile("/proc/self", PATH).write(0, b"x")
