from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.planning.arguments import Blob, Content
from provision.planning.file_actions import FileAction, MakeDirectory, MakeHardLink, MakeSymlink, RemovePath, WriteFile
from provision.planning.machine_view import FileType
from provision.system.root.blob_store import BlobStore
from provision.system.root.files_and_links import NodeFailed, carry_out
from provision.system.root.guarded_paths import GuardedTree

UID, GID = os.geteuid(), os.getegid()


class Place:
    """A tree, and beside it a directory that must not change."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.outside = folder / "outside"
        self.root.mkdir()
        self.outside.mkdir()
        (self.outside / "file").write_text("untouched")
        self.tree = GuardedTree(str(self.root))
        self.blob_store = BlobStore(self.tree, str(folder / "run" / "blobs"))

    def do(self, *actions: FileAction) -> None:
        carry_out(self.tree, self.blob_store, actions)

    def write(self, path: str, data: bytes, mode: int = 0o644, *, keep: bool = False) -> None:
        self.do(WriteFile(path, (Content(data),), mode, UID, GID, keep=keep))

    def read(self, path: str) -> bytes:
        return (self.root / path.lstrip("/")).read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.blob_store.release()
    assert (place.outside / "file").read_text() == "untouched"
    assert os.listdir(place.outside) == ["file"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o644, 0o600, 0o4755, 0o1777, 0])
def test_a_file_has_its_mode_whatever_the_umask(place: Place, mask: int, mode: int) -> None:
    with umask(mask):
        place.do(WriteFile("/a/b/c", (Content(b"x"),), mode, UID, GID, parents=("/a", "/a/b")))
    assert stat.S_IMODE((place.root / "a/b/c").stat().st_mode) == mode
    assert stat.S_IMODE((place.root / "a/b").stat().st_mode) == 0o755
    assert os.listdir(place.root / "a/b") == ["c"]


def test_a_file_or_link_is_replaced_never_followed(place: Place) -> None:
    (place.root / "link").symlink_to(place.outside / "file")
    (place.root / "file").write_text("old")
    place.write("/link", b"new")
    place.write("/file", b"new", 0o640)
    assert not (place.root / "link").is_symlink()
    assert place.read("/link") == place.read("/file") == b"new"
    assert sorted(os.listdir(place.root)) == ["file", "link"]


def test_a_hard_linked_file_is_replaced_not_rewritten(place: Place) -> None:
    os.link(place.outside / "file", place.root / "file")
    place.write("/file", b"new")
    place.write("/file", b"er", keep=True)
    assert place.read("/file") == b"newer"


def test_a_change_of_mode_holds_for_all_names(place: Place) -> None:
    place.write("/x", b"one")
    os.link(place.root / "x", place.root / "y")
    place.do(WriteFile("/x", (), 0o600, UID, GID, keep=True))
    there, other = (place.root / "x").stat(), (place.root / "y").stat()
    assert (there.st_ino, other.st_mode & 0o777) == (other.st_ino, 0o600)
    assert place.read("/x") == b"one"


def test_parts_follow_each_other_behind_what_is_kept(place: Place) -> None:
    with place.blob_store.writing(Blob("b"), "/file") as blob_store:
        blob_store.write(b"blob")
    place.write("/file", b"old ")
    place.do(WriteFile("/file", (Content(b"one "), Blob("b"), Content(b"!")), 0o644, UID, GID, keep=True))
    assert place.read("/file") == b"old one blob!"
    place.do(WriteFile("/new", (Content(b"x"),), 0o644, UID, GID, keep=True))
    assert place.read("/new") == b"x"


@pytest.mark.parametrize("destination", ["/deep/down/file", ""])
def test_one_blob_for_several_files_makes_several_files(place: Place, destination: str) -> None:
    with place.blob_store.writing(Blob("b"), destination) as blob_store:
        blob_store.write(b"blob" * 100_000)
    place.do(*(WriteFile(f"/{name}", (Blob("b"),), 0o644, UID, GID) for name in "abc"))
    assert {place.read(f"/{name}") for name in "abc"} == {b"blob" * 100_000}
    assert len({(place.root / name).stat().st_ino for name in "abc"}) == 3
    assert (place.root / "a").stat().st_nlink == 1


def test_many_files_in_one_go(place: Place) -> None:
    place.do(*(WriteFile(f"/d/{n}", (Content(b"%d" % n),), 0o600, UID, GID, parents=("/d",)) for n in range(700)))
    assert all(place.read(f"/d/{n}") == b"%d" % n for n in range(700))


@pytest.mark.slow
def test_a_reader_sees_old_or_new_and_never_less(place: Place) -> None:
    versions = [bytes([n]) * 50_000 for n in range(256)]
    place.write("/file", versions[0], 0o640)
    seen: set[bytes] = set()
    modes: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            with (place.root / "file").open("rb") as file:
                modes.add(stat.S_IMODE(os.fstat(file.fileno()).st_mode))
                seen.add(file.read())

    reader = threading.Thread(target=look)
    reader.start()
    for version in versions:
        place.write("/file", version, 0o640)
    done.set()
    reader.join()
    assert seen <= set(versions)
    assert modes == {0o640}


def test_what_else_is_in_a_directory_stays(place: Place) -> None:
    (place.root / ".link.provision").write_text("somebody's")
    place.write("/file", b"old")
    place.do(MakeSymlink("/link", "target", UID, GID), WriteFile("/file", (Content(b"new"),), 0o644, UID, GID))
    place.do(MakeSymlink("/link", "other", UID, GID))
    assert sorted(os.listdir(place.root)) == [".link.provision", "file", "link"]


def test_long_names_that_begin_alike(place: Place) -> None:
    names = ["x" * 254 + letter for letter in "ab"]
    for _ in range(2):
        place.do(*(WriteFile(f"/{name}", (Content(name.encode()),), 0o644, UID, GID) for name in names))
    assert [place.read(f"/{name}") for name in names] == [name.encode() for name in names]
    assert sorted(os.listdir(place.root)) == names


def test_a_name_that_cannot_be_is_not_there(place: Place) -> None:
    assert place.tree.file_status("/" + "x" * 256) is None


@pytest.mark.parametrize("wrong", [1 << 32, -2, 1 << 70])
def test_an_id_that_is_none_fails_the_action(place: Place, wrong: int) -> None:
    with pytest.raises(NodeFailed):
        place.do(MakeDirectory("/d", 0o755, wrong, GID))


def test_directories_get_owner_and_mode(place: Place) -> None:
    with umask(0o077):
        place.do(MakeDirectory("/a/b", 0o2775, UID, GID, parents=("/a",)))
        place.do(MakeDirectory("/a", 0o700, UID, GID), MakeDirectory("/", 0o711, UID, GID))
    assert stat.S_IMODE((place.root / "a/b").stat().st_mode) == 0o2775
    assert stat.S_IMODE((place.root / "a").stat().st_mode) == 0o700
    assert stat.S_IMODE(place.root.stat().st_mode) == 0o711


def test_a_directory_is_not_made_through_a_link(place: Place) -> None:
    (place.root / "link").symlink_to(place.outside)
    with pytest.raises(NodeFailed):
        place.do(MakeDirectory("/link", 0o700, UID, GID))


def test_links_are_literal_and_replace_links(place: Place) -> None:
    place.do(MakeSymlink("/link", "../../outside", UID, GID))
    place.do(MakeSymlink("/link", "/else where", UID, GID))
    assert os.readlink(place.root / "link") == "/else where"
    assert os.listdir(place.root) == ["link"]


def test_hard_links_may_be_made_twice(place: Place) -> None:
    place.write("/file", b"x")
    for _ in range(2):
        place.do(MakeHardLink("/name", "/file"))
    assert sorted(os.listdir(place.root)) == ["file", "name"]
    assert place.tree.file_status("/file") == place.tree.file_status("/name")


def test_a_hard_link_to_a_link_does_not_follow_it(place: Place) -> None:
    (place.root / "link").symlink_to(place.outside / "file")
    place.do(MakeHardLink("/name", "/link"))
    node = place.tree.file_status("/name")
    assert node is not None
    assert node.kind is FileType.LINK


def test_removing_never_follows(place: Place) -> None:
    (place.root / "tree/deep").mkdir(parents=True)
    (place.root / "tree/deep/link").symlink_to(place.outside)
    (place.root / "tree/file").write_text("x")
    place.do(RemovePath("/tree"), RemovePath("/not/there") if (place.root / "not").exists() else RemovePath("/nothing"))
    assert os.listdir(place.root) == []


REMOVED = """
import sys
from provision.planning.file_actions import RemovePath
from provision.system.root.blob_store import BlobStore
from provision.system.root.files_and_links import NodeFailed, carry_out
from provision.system.root.guarded_paths import GuardedTree
tree = GuardedTree(sys.argv[1])
for path in ("/absent", "/file"):
    try:
        carry_out(tree, BlobStore(tree, "/nothing"), [RemovePath(path)])
        print("removed", path)
    except NodeFailed as failed:
        print(failed.__cause__.strerror)
"""


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_on_a_read_only_file_system_nothing_needs_to_be_removed_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@" "$0"'
    argv = ["unshare", "--mount", "sh", "-c", script, str(tmp_path), sys.executable, "-c", REMOVED]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["removed /absent", "Read-only file system"]


def test_a_tree_of_any_depth_is_removed(place: Place) -> None:
    """Neither calls nor open files are as deep as the tree."""
    fd = os.open(place.root, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("below", dir_fd=fd)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        above, fd = fd, os.open("below", os.O_RDONLY, dir_fd=fd)
        os.close(above)
    os.close(fd)
    place.do(RemovePath("/below"))
    assert os.listdir(place.root) == ["file"]


def test_a_path_of_the_tree_cannot_leave_it(place: Place) -> None:
    (place.root / "out").symlink_to("../outside")
    (place.root / "abs").symlink_to(place.outside)
    for path in ("/out/file", "/abs/file", "/../outside/file"):
        with pytest.raises(NodeFailed):
            place.write(path, b"escaped")


def test_the_action_that_failed_is_named(place: Place) -> None:
    (place.root / "file").write_text("x")
    good = WriteFile("/good", (Content(b"x"),), 0o644, UID, GID)
    bad = WriteFile("/file/below", (Content(b"x"),), 0o644, UID, GID)
    with pytest.raises(NodeFailed) as failed:
        place.do(good, bad)
    assert failed.value.action is bad


def test_an_owner_without_a_number_is_an_error(place: Place) -> None:
    with pytest.raises(NodeFailed):
        place.do(WriteFile("/file", (Content(b"x"),), 0o644, None, GID))
    assert os.listdir(place.root) == []
