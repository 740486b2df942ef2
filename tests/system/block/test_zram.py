"""A compressed device of the running kernel."""

from __future__ import annotations

import errno
import os

import pytest

from provision.system.block.zram import Zram, add_zram
from tests.real.disks.loop_devices import MIB
from tests.real.disks.zram_devices import devices, needs_zram, none_left


@needs_zram
@pytest.mark.disks
def test_it_takes_less_memory_than_it_has_content_and_fails_when_its_limit_is_reached() -> None:
    with none_left() as before:
        device = add_zram(64 * MIB, 8 * MIB)
        assert device is not None
        try:
            assert devices() - before == {os.path.basename(device.node)}
            assert device.algorithm
            fill(device)
        finally:
            device.remove()


def fill(device: Zram) -> None:
    """Write what fits, and then what does not."""
    fd = os.open(device.node, os.O_RDWR)
    try:
        os.write(fd, bytes(range(256)) * (16 * MIB // 256))
        os.fsync(fd)
        assert 0 < device.memory < 8 * MIB
        assert device.failed_writes == 0
        os.pwrite(fd, os.urandom(16 * MIB), 32 * MIB)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            os.fsync(fd)
        assert device.failed_writes > 0
        assert device.memory < 9 * MIB
    finally:
        os.close(fd)
