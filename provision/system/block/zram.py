"""A compressed block device in memory: the files of Linux's zram (admin-guide/blockdev/zram.rst of the kernel)."""

from __future__ import annotations

import errno
import os
import time
from typing import NamedTuple

from provision.system.block import sysfs
from provision.system.programs import processes
from provision.system.programs.sandbox import make_device_node

_CONTROL = "/sys/class/zram-control"
_BEST = "zstd"
_TRIES, _PAUSE = 100, 0.05
"""How many times to try to remove a device that is in use, and the seconds between two tries."""


class Zram(NamedTuple):
    """A zram device: its node, its folder in /sys, and the algorithm that compresses."""

    node: str
    folder: str
    algorithm: str

    @property
    def memory(self) -> int:
        """Bytes of memory that its content takes (the third number of mm_stat)."""
        return int(sysfs.read(self.folder, "mm_stat").split()[2])

    @property
    def failed_writes(self) -> int:
        """How many writes have failed, because the limit was reached or no memory was left (io_stat)."""
        return int(sysfs.read(self.folder, "io_stat").split()[1])

    def lift_limit(self) -> None:
        """Let its content take as much memory as there is. Raises OSError."""
        _write(self.folder, "mem_limit", "0")

    def remove(self) -> None:
        """Remove the device and free its memory; wait up to 5 s for a program that has it open. Raises OSError."""
        number = self.folder.rpartition("zram")[2]
        for _ in range(_TRIES):
            try:
                _write(_CONTROL, "hot_remove", number)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                time.sleep(_PAUSE)  # there is no event when the last user closes it
            else:
                return
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), self.node)


def add_zram(size: int, limit: int) -> Zram | None:
    """Add a device of `size` bytes whose content takes at most `limit` bytes of memory; None if the kernel has no zram.

    It compresses by zstd, or by the kernel's default if there is no zstd. Raises OSError.
    """
    if not os.path.isdir(_CONTROL) and processes.find("modprobe"):
        processes.run(["modprobe", "--quiet", "zram", "num_devices=0"])
    number = sysfs.read(_CONTROL, "hot_add")  # to read it is to add a device
    if not number:
        return None
    folder = f"/sys/block/zram{number}"
    added = Zram(f"/dev/zram{number}", folder, "")
    try:
        if _BEST in sysfs.read(folder, "comp_algorithm").split():
            _write(folder, "comp_algorithm", _BEST)
        _write(folder, "disksize", str(size))
        _write(folder, "mem_limit", str(limit))
        make_device_node(added.node, sysfs.read(folder, "dev"))
    except OSError:
        added.remove()
        raise
    return added._replace(algorithm=_chosen(sysfs.read(folder, "comp_algorithm")))


def _chosen(algorithms: str) -> str:
    """The algorithm in brackets: `lzo [lzo-rle] lz4`."""
    return algorithms.partition("[")[2].partition("]")[0]


def _write(folder: str, name: str, text: str) -> None:
    with open(f"{folder}/{name}", "w", encoding="ascii") as file:
        file.write(text)
