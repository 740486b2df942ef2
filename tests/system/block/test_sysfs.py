"""Block devices in sysfs."""

from __future__ import annotations

from pathlib import Path

from provision.system.block import sysfs


def test_what_is_no_block_device_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert sysfs.find(str(tmp_path / "file")) is None
    assert sysfs.find("/dev/null") is None
    assert sysfs.find("/dev/no-such-device") is None
