"""A compressed device of the running kernel."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from provision.system.block.zram import add_zram
from tests.real.disks.loop_devices import MIB

CONTROL = Path("/sys/class/zram-control")

needs_zram = pytest.mark.skipif(not CONTROL.exists(), reason="this kernel has no zram")


def devices() -> set[str]:
    """The names of the zram devices that the kernel has."""
    return {path.name for path in Path("/sys/block").glob("zram*")}


@needs_zram
@pytest.mark.disks
def test_it_takes_less_memory_than_it_has_content_and_fails_when_its_limit_is_reached() -> None:
    before = devices()
    device = add_zram(64 * MIB, 8 * MIB)
    assert device is not None
    try:
        assert devices() - before == {os.path.basename(device.node)}
        assert device.algorithm
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
    finally:
        device.remove()
    assert devices() == before
