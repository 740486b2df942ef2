"""Images that all tests of this folder start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import build
from tests.real.boot.server import Server, serving
from tests.real.boot.workload import PAYLOAD


@pytest.fixture(scope="session")
def images(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    return build(wheel, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def wide(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    """Images with NetworkManager, RAID, initramfs-tools and Debian's Ignition, and several initramfs."""
    return build(wheel, tmp_path_factory.mktemp("wide"), "wide")


@pytest.fixture(scope="session")
def next_release(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    """Images of the next Debian release."""
    return build(wheel, tmp_path_factory.mktemp("next"), "next")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(PAYLOAD) as running:
        yield running
