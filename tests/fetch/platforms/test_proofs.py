"""The column `proof` of the platforms' page agrees with these tests."""

from __future__ import annotations

from provision.fetch.platforms.table import PLATFORMS
from tests.fetch.platforms.drives import DRIVES
from tests.fetch.platforms.services import SERVICES

IN_GUESTS = {"applehv", "azure", "azurestack", "qemu"}
"""On the kernel's own interfaces: test_formats.py, and tests/boot for qemu."""

FILES = {"file", "metal"}
RECORDED = {"hyperv", "nvidiabluefield", "virtualbox", "vmware", "zvm"}
"""test_hyperv.py, test_virtualbox.py, test_vmware.py, test_interfaces.py."""


def test_platforms_with_proof_real_are_tested_with_the_real_thing() -> None:
    real = {name for name, platform in PLATFORMS.items() if platform.proof == "real"}
    assert real == IN_GUESTS | FILES | {*SERVICES} | {platform for platform, _, _ in DRIVES}


def test_what_is_recorded_is_played_back() -> None:
    assert {name for name, platform in PLATFORMS.items() if platform.proof == "recorded"} == RECORDED
