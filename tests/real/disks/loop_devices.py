"""Loop devices and trees for tests on the real machine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.planning.machine_view import PartitionEntry, PartitionTable
from provision.system.block.loops import attached_to

MIB = 1 << 20
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
DISK = "DEADBEEF-0000-4000-8000-000000000000"


def blank(path: Path, size: int) -> Path:
    """A sparse file."""
    path.touch()
    os.truncate(path, size)
    return path


def table(size: int, sector: int, *parts: tuple[int, int, int, str]) -> PartitionTable:
    """A table with partitions of number, start (MiB), size (MiB) and label."""
    reserved = 1 + 16384 // sector
    unit = MIB // sector
    return PartitionTable(
        "gpt",
        DISK,
        sector,
        reserved + 1,
        size // sector - reserved - 1,
        tuple(
            PartitionEntry(number, start * unit, length * unit, LINUX, f"DEADBEEF-0000-4000-8000-{number:012}", label)
            for number, start, length, label in sorted(parts)
        ),
    )


@contextmanager
def loop(image: Path, sector: int = 512) -> Iterator[str]:
    """A loop device of the running kernel, with partitions."""
    argv = ["losetup", "--find", "--show", "--partscan", "--sector-size", str(sector), str(image)]
    node = subprocess.check_output(argv, text=True).strip()
    try:
        yield node
    finally:
        subprocess.run(["losetup", "--detach", node], check=True)
        deadline = time.monotonic() + 5
        while attached_to(str(image)) and time.monotonic() < deadline:
            time.sleep(0.005)  # a udevd in any namespace may have it open


def attached(folder: Path) -> list[str]:
    """Loop devices over files of a folder. In a chroot the kernel may report their paths from outside the chroot."""
    lines = subprocess.check_output(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"], text=True)
    return [line for line in lines.splitlines() if f"{folder}/" in line]


def left_attached(folder: Path, seconds: float = 60.0) -> list[str]:
    """Loop devices over files of a folder that are still there after a wait: another test may have them open."""
    deadline = time.monotonic() + seconds
    while (left := attached(folder)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def is_rooted() -> bool:
    """Whether something is mounted at `/`; in a chroot into a plain directory nothing is."""
    return any(line.split()[4] == "/" for line in Path("/proc/self/mountinfo").read_text().splitlines())


def mounted(folder: Path) -> list[str]:
    """Mount points below a folder."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [point for point in (line.split()[4] for line in lines) if point.startswith(str(folder))]
