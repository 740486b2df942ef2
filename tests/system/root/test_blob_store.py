from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from provision.planning.arguments import Blob
from provision.system.root.blob_store import BlobStore, make_private_directory
from provision.system.root.guarded_paths import GuardedTree

BLOB = Blob("storage.files[0]/../../etc")


@pytest.fixture
def blob_store(tmp_path: Path) -> Iterator[BlobStore]:
    (tmp_path / "root").mkdir()
    blob_store = BlobStore(GuardedTree(str(tmp_path / "root")), str(tmp_path / "run" / "blobs"))
    before = os.umask(0)
    yield blob_store
    os.umask(before)
    blob_store.release()


def stored(blob_store: BlobStore, blob: Blob = BLOB) -> bytes:
    with open(blob_store.open(blob), "rb") as file:
        return file.read()


@pytest.mark.parametrize("destination", ["", "/etc/file"])
def test_bytes_come_back(blob_store: BlobStore, destination: str) -> None:
    for data in (b"first", b"", b"second"):
        with blob_store.writing(BLOB, destination) as file:
            file.write(data)
        assert stored(blob_store) == data
    blob_store.forget(BLOB)
    blob_store.forget(BLOB)
    with pytest.raises(FileNotFoundError):
        blob_store.open(BLOB)


@pytest.mark.parametrize("destination", ["", "/etc/file"])
def test_a_failure_leaves_nothing(blob_store: BlobStore, destination: str, tmp_path: Path) -> None:
    with suppress(RuntimeError), blob_store.writing(BLOB, destination) as file:
        file.write(b"half")
        raise RuntimeError
    with pytest.raises(FileNotFoundError):
        blob_store.open(BLOB)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_bytes_for_the_target_have_no_name(blob_store: BlobStore, tmp_path: Path) -> None:
    with blob_store.writing(BLOB, "/a/b/c") as file:
        file.write(b"x")
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_later_stages_find_them(blob_store: BlobStore, tmp_path: Path) -> None:
    with blob_store.writing(BLOB, "") as file:
        file.write(b"key")
    blob_store.release()
    assert stored(BlobStore(GuardedTree("/"), str(tmp_path / "run" / "blobs"))) == b"key"


def test_nobody_else_can_read_them_for_an_instant(blob_store: BlobStore, tmp_path: Path) -> None:
    """While the umask is 0, another thread checks the mode of every named file all the time."""
    modes: set[tuple[bool, int]] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in [tmp_path / "run" / "blobs", *(tmp_path / "run").rglob("*")]:
                try:
                    found = path.lstat()
                except FileNotFoundError:
                    continue
                modes.add((stat.S_ISDIR(found.st_mode), stat.S_IMODE(found.st_mode)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(300):
        with blob_store.writing(Blob(f"b{number}"), "") as file:
            file.write(b"secret")
    done.set()
    watcher.join()
    assert modes <= {(True, 0o700), (False, 0o600)}


def test_a_directory_that_is_too_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(0o777)
    make_private_directory(str(tmp_path / "open"))
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o700


def test_more_blobs_than_the_usual_limit_of_open_files(blob_store: BlobStore) -> None:
    for number in range(1500):
        with blob_store.writing(Blob(str(number)), "/file") as file:
            file.write(b"%d" % number)
    assert stored(blob_store, Blob("1499")) == b"1499"
