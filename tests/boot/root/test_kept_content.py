"""The content of a root file system on a loop device survives another file system in its place, or nothing starts."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from provision.boot.records.completion_record import MOVED_ROOT
from provision.boot.root.kept_content import (
    LOST,
    UNFINISHED,
    OldRoot,
    Settings,
    check_content,
    kept_root,
    look,
    restored_digest,
)
from provision.boot.root.replacement import Replacement
from provision.failures import Failure
from provision.log import silent
from provision.planning.machine_view import Device
from provision.system.block import signatures
from tests.real.boot.roots.special_files import make, shown
from tests.real.disks.loop_devices import MIB, blank, loop
from tests.real.disks.zram_devices import devices, needs_zram, none_left

on_loop_devices = pytest.mark.disks


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Replacement]:
    """A root file system with an operating system, which xfs will replace."""
    with loop(blank(tmp_path / "disk", 400 * MIB)) as node:
        tree = tmp_path / "tree"
        make_system(tree)
        subprocess.run(["mkfs.ext4", "-q", "-L", "root", "-d", tree, node], check=True)
        found = signatures.probe(node)
        device = Device(node, 400 * MIB)
        yield Replacement(node, device, found, lost=True, new=device, made=found._replace(type="xfs"))


def make_system(tree: Path) -> None:
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib/os-release").write_text("ID=test\n")
    (tree / "usr/large").write_bytes(os.urandom(16 * MIB))
    (tree / "etc").mkdir()
    (tree / "etc/fstab").write_text("LABEL=root / auto\n")
    (tree / "etc/.provision-complete.json").write_text("{}")
    make(tree / "special")


def keeping(
    root: Replacement, restored: Callable[[], None] = lambda: None, meminfo: str = "/proc/meminfo"
) -> AbstractContextManager[None]:
    return kept_root(root, Settings("", "digest", meminfo=meminfo), silent, restored)


def mkfs(root: Replacement) -> None:
    subprocess.run(["mkfs.xfs", "-q", "-f", "-L", "root", root.name], check=True)


def mounted(node: str, place: Path, options: str = "ro") -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", options, node, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
        wait_until_free(node)


def wait_until_free(node: str) -> None:
    """Wait until no mount namespace has a device mounted: that of another test may have begun with this mount."""
    while not is_free(node):
        time.sleep(0.01)


def is_free(node: str) -> bool:
    try:
        os.close(os.open(node, os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


@on_loop_devices
def test_everything_is_in_the_new_file_system(root: Replacement, tmp_path: Path) -> None:
    assert look(root, "") == OldRoot(is_system=True, fstab="LABEL=root / auto\n")
    for place in mounted(root.name, tmp_path / "old"):  # mke2fs cuts times
        old = shown(place / "special")
    told: list[str] = []
    with keeping(root, lambda: told.append(signatures.probe(root.name).type)):
        mkfs(root)
    assert told == ["xfs"]
    assert signatures.probe(root.name).type == "xfs"
    for place in mounted(root.name, tmp_path / "new"):
        names = {"etc", "usr", "special", MOVED_ROOT.lstrip("/")}
        assert {*os.listdir(place)} == names
        assert os.listdir(place / "etc") == ["fstab"], "the record of an earlier first boot"
        assert shown(place / "special") == old
    assert restored_digest(root.name, "xfs", "") == "digest"


def fail(root: Replacement, program: Sequence[str] = ()) -> Failure:
    """The failure of a disks stage that runs a program, and then fails."""
    with pytest.raises(Failure) as caught, keeping(root):
        stopped(root, program)
    return caught.value


def stopped(root: Replacement, program: Sequence[str]) -> None:
    if program:
        subprocess.run([*program, root.name], check=True, stdout=subprocess.PIPE)
    raise Failure("another disk fails", hint="look")


@on_loop_devices
def test_a_step_that_fails_says_that_the_content_is_lost_only_if_it_is(root: Replacement) -> None:
    failure = fail(root)
    assert (failure.message, failure.hint) == ("another disk fails", "look")
    failure = fail(root, ["wipefs", "-a"])
    assert (failure.message, failure.hint) == ("another disk fails", f"look\n{LOST}")


def with_memory(folder: Path, available: int) -> str:
    """A file that says that so many bytes of memory are available."""
    path = folder / "meminfo"
    path.write_text(f"MemTotal: 1000000 kB\nMemAvailable: {available >> 10} kB\n")
    return str(path)


@on_loop_devices
@needs_zram
def test_content_that_fits_only_compressed_is_in_the_new_file_system(root: Replacement, tmp_path: Path) -> None:
    large = bytes(range(256)) * (48 * MIB >> 8)
    for place in mounted(root.name, tmp_path / "old", "rw"):
        (place / "usr/large").write_bytes(large)
        old = shown(place / "special")
    with none_left() as before, keeping(root, meminfo=with_memory(tmp_path, 40 * MIB)):
        assert devices() > before
        mkfs(root)
    for place in mounted(root.name, tmp_path / "new"):
        assert shown(place / "special") == old
        assert (place / "usr/large").read_bytes() == large


@on_loop_devices
@needs_zram
def test_content_that_does_not_fit_is_refused_before_the_disk_changes(root: Replacement, tmp_path: Path) -> None:
    before = (tmp_path / "disk").read_bytes()
    with (
        none_left(),
        pytest.raises(Failure, match=r"compressed by \S+ it would need about"),
        keeping(root, meminfo=with_memory(tmp_path, 12 * MIB)),
    ):
        mkfs(root)
    assert (tmp_path / "disk").read_bytes() == before


@on_loop_devices
def test_a_root_that_cannot_be_mounted_is_refused(root: Replacement) -> None:
    with pytest.raises(Failure, match=f"{root.name} cannot be mounted: ") as caught:
        look(root._replace(found=root.found._replace(type="xfs")), "")
    assert "provision.root=new" in caught.value.hint


@on_loop_devices
def test_the_content_is_put_back_if_another_disk_fails_later(root: Replacement) -> None:
    failure = fail(root, ["mkfs.xfs", "-q", "-f", "-L", "root", "-m", f"uuid={root.made.uuid if root.made else ''}"])
    assert failure.hint == "look"
    assert restored_digest(root.name, "xfs", "") == "digest"


@on_loop_devices
def test_a_root_with_a_part_of_its_content_is_never_started(root: Replacement, tmp_path: Path) -> None:
    """The new file system turns out to be too small; a later boot finds what is there."""
    small = root._replace(made=root.found)
    with pytest.raises(Failure) as caught, keeping(small):
        subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", root.name, "8M"], check=True)
    assert LOST in caught.value.hint
    for place in mounted(root.name, tmp_path / "new"):
        assert not (place / "usr").exists()
        with pytest.raises(Failure, match="is not complete"):
            check_content(str(place))
    with pytest.raises(Failure, match="is not complete"):
        restored_digest(root.name, "ext4", "")


def test_a_root_that_is_empty_or_unfinished_is_not_provisioned(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    with pytest.raises(Failure, match="the root file system is empty"):
        check_content(str(tmp_path))
    (tmp_path / "usr").mkdir()
    check_content(str(tmp_path))
    (tmp_path / UNFINISHED.lstrip("/")).mkdir()
    with pytest.raises(Failure, match="is not complete"):
        check_content(str(tmp_path))
