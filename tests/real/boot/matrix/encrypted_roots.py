"""A root file system in a LUKS volume, which scripts of Debian open in an initramfs of initramfs-tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.boot.equipment import encrypted_root
from tests.real.boot.machine import Machine, build
from tests.real.boot.matrix.conftest import shown
from tests.real.boot.workload import check_provisioned, check_unchanged

pytestmark = pytest.mark.boot

BUILD = Path(__file__).parents[1] / "encrypted/build.sh"


@pytest.fixture
def machine(wheel: Path, tmp_path: Path) -> Iterator[Machine]:
    plain = build(wheel, tmp_path, "encrypted", BUILD)
    yield from shown(Machine(encrypted_root(plain, tmp_path / "root.key", tmp_path), tmp_path / "machine"))


def test_a_root_that_cryptsetup_opens_is_provisioned_once(machine: Machine, config_file: Path) -> None:
    """cryptroot of Debian's cryptsetup-initramfs, in local-top, opens it before the record is looked for."""
    first, second = (machine.boot("provision.firstboot=auto panic=-1", config_file) for _ in range(2))
    check_provisioned(first.reported)
    disks = [one for one in first.reported["devices"]["blockdevices"] if one["fstype"] == "crypto_LUKS"]
    assert [volume["mountpoint"] for disk in disks for volume in disk["children"]] == ["/"]
    assert "cryptsetup: root: set up successfully" in first.console
    check_unchanged(first, second, [])
