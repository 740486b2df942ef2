"""Whether a virtual machine works at all is found out by booting a sector."""

from __future__ import annotations

from shutil import which

import pytest

from provision.system.virtual_machine.kvm import EMULATED, boots_a_sector
from provision.system.virtual_machine.needed_programs import QEMU

pytestmark = pytest.mark.skipif(which(QEMU) is None, reason="qemu is not installed")


def test_an_emulated_machine_boots_the_sector() -> None:
    assert boots_a_sector(EMULATED, 60)


def test_a_machine_that_qemu_does_not_have_boots_nothing() -> None:
    assert not boots_a_sector(("-machine", "q35,accel=none"), 60)


def test_a_machine_that_takes_too_long_counts_as_unusable() -> None:
    assert not boots_a_sector((*EMULATED, "-S"), 0.1)
