"""Content that fits into memory as it is, content that fits only compressed, and content that does not fit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from provision.boot.root.layers import FORMATS
from provision.boot.root.memory import STEP, Memory, MemoryDirectory, directory_in_memory, usable_memory
from provision.failures import Failure
from provision.log import silent
from provision.system.root.tree_copy import sync_file_system
from tests.real.boot.roots.special_files import make, shown
from tests.real.disks.loop_devices import MIB
from tests.real.disks.zram_devices import devices, needs_zram, none_left
from tests.recorded_log import RecordedLog

MEMINFO = "MemTotal:  4194304 kB\nMemFree:   1000 kB\nMemAvailable: 3145728 kB\nHugePages_Total:  0\n"


def test_usable_memory() -> None:
    assert usable_memory(MEMINFO, encrypts=False) == 3145728 * 1024 * 9 // 10
    assert usable_memory(MEMINFO, encrypts=True) == 3145728 * 1024 * 9 // 10 - (1 << 30)
    assert usable_memory("MemTotal: 1024 kB\nMemAvailable: 100 kB\n", encrypts=True) == 0


def test_a_refusal_has_the_figures() -> None:
    failure = Memory("/dev/vda", 2 << 30, 1 << 30).refusal("; and so on")
    assert "replaces the root file system /dev/vda: " in failure.message
    assert failure.message.endswith("needs 2 GiB of 1 GiB that can be used; and so on")


@pytest.mark.disks
def test_what_fits_is_in_a_tmpfs_and_no_device_is_added() -> None:
    log = RecordedLog()
    with none_left() as before, directory_in_memory(Memory("/dev/vda", 8 * MIB, 8 * MIB), "xfs", log) as directory:
        assert kind_of(directory) == "tmpfs"
        assert devices() == before
        assert os.statvfs(directory.path).f_blocks * os.statvfs(directory.path).f_frsize == 8 * MIB
        directory.check_after(64 * MIB)
        directory.check()
    assert log.lines == [("progress", "keeping the content of the root file system /dev/vda in memory: 8 MiB")]


def kind_of(directory: MemoryDirectory) -> str:
    return subprocess.check_output(["findmnt", "-n", "-o", "FSTYPE", directory.path], text=True).strip()


def content(folder: Path, fill: Callable[[int], bytes]) -> Path:
    """A tree with files of every kind, and files of 64 MiB."""
    (folder / "tree").mkdir()
    make(folder / "tree/special")
    for number in range(4):
        (folder / f"tree/{number}").write_bytes(fill(STEP))
    return folder / "tree"


def text(size: int) -> bytes:
    """Bytes of which a quarter is random in each page."""
    return b"".join(os.urandom(1024) + bytes(range(256)) * 12 for _ in range(size >> 12))


@needs_zram
@pytest.mark.disks
@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_what_fits_only_compressed(kind: str, tmp_path: Path) -> None:
    tree = content(tmp_path, text)
    log = RecordedLog()
    with none_left() as before, directory_in_memory(Memory("/dev/vda", 64 * MIB, 48 * MIB), kind, log) as directory:
        assert kind_of(directory) == kind
        assert directory.keep(str(tree), frozenset()).kept == {}
        assert shown(Path(directory.path) / "special") == shown(tree / "special")
        assert all((tree / f"{one}").read_bytes() == (Path(directory.path) / f"{one}").read_bytes() for one in range(4))
        assert devices() > before
    ((_, said),) = log.lines
    assert said.startswith("keeping the content of the root file system /dev/vda in memory, compressed by ")


def test_the_copy_tells_its_progress(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/one").write_bytes(b"x" * 5000)
    (tmp_path / "kept").mkdir()
    seen: list[int] = []
    MemoryDirectory(str(tmp_path / "kept")).keep(str(tmp_path / "tree"), frozenset(), seen.append)
    assert sum(seen) == 5000


def refusal(kind: str, copy: Callable[[MemoryDirectory], object]) -> str:
    """The message of the failure of a copy into 48 MiB."""
    with (
        none_left(),
        pytest.raises(Failure) as caught,
        directory_in_memory(Memory("/dev/vda", 64 * MIB, 48 * MIB), kind, silent) as directory,
    ):
        copy(directory)
    return caught.value.message


@needs_zram
@pytest.mark.disks
def test_what_does_not_fit_even_compressed_is_refused_with_figures(tmp_path: Path) -> None:
    tree = content(tmp_path, os.urandom)
    said = refusal("xfs", lambda directory: directory.keep(str(tree), frozenset()))
    assert "needs 64 MiB of 48 MiB that can be used" in said
    assert re.search(
        r"; compressed by \S+ it would need about 6[0-9.]+ MiB \(estimated from the first \d+ MiB\)$", said
    )


@needs_zram
@pytest.mark.disks
def test_what_the_file_system_writes_after_the_copy_does_not_fail(tmp_path: Path) -> None:
    tree = content(tmp_path, text)
    with none_left(), directory_in_memory(Memory("/dev/vda", 64 * MIB, 48 * MIB), "xfs", silent) as place:
        place.keep(str(tree), frozenset())
        Path(place.path, "later").write_bytes(os.urandom(40 * MIB))
        sync_file_system(place.path)
        assert Path(place.path, "later").stat().st_size == 40 * MIB


def overfill(directory: MemoryDirectory) -> None:
    with suppress(OSError):
        Path(directory.path, "large").write_bytes(os.urandom(64 * MIB))
    directory.check()


@needs_zram
@pytest.mark.disks
@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_writes_that_the_device_refuses_are_noticed(kind: str) -> None:
    assert "; compressed by " in refusal(kind, overfill)


def test_the_table_of_the_device_counts() -> None:
    """A device for much more content than there is memory would take the memory before anything is copied."""
    with (
        pytest.raises(Failure, match="compressed, it would not fit either"),
        directory_in_memory(Memory("/dev/vda", 1 << 40, 1 << 33), "xfs", silent),
    ):
        pytest.fail("a device was added")


WITHOUT_ZRAM = """
from provision.boot.root.memory import Memory, directory_in_memory
from provision.failures import Failure
from provision.log import silent
try:
    with directory_in_memory(Memory("/dev/vda", 6 << 20, 5 << 20), "xfs", silent):
        pass
except Failure as failure:
    print(failure.message)
"""


@needs_zram
@pytest.mark.disks
def test_without_zram_in_the_kernel_it_is_refused() -> None:
    """An empty directory hides the kernel's control files."""
    script = 'mount -t tmpfs none /sys/class/zram-control && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", WITHOUT_ZRAM]
    said = subprocess.check_output(argv, text=True)
    assert "needs 6 MiB of 5 MiB that can be used; there is no kernel module zram to compress it" in said
