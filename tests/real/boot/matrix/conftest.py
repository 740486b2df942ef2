"""Machines that the rows of the matrix boot."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import Machine
from tests.real.boot.server import Server
from tests.real.boot.workload import config


@pytest.fixture(scope="session", autouse=True)
def _as_root() -> None:
    """Skip all rows for another user."""
    if os.geteuid() != 0:
        pytest.skip("building a machine's root needs root")


@pytest.fixture
def machine(wide: DebianRoot, tmp_path: Path) -> Iterator[Machine]:
    yield from shown(Machine(wide, tmp_path / "machine"))


@pytest.fixture
def newer(next_release: DebianRoot, tmp_path: Path) -> Iterator[Machine]:
    yield from shown(Machine(next_release, tmp_path / "machine"))


def shown(machine: Machine) -> Iterator[Machine]:
    """The machine; at the end of the test the times of its boots are shown."""
    yield machine
    for number, boot in enumerate(machine.boots, 1):
        print(f"\nboot {number}: {boot}", end="", flush=True)


@pytest.fixture
def config_file(server: Server, tmp_path: Path) -> Path:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(config(server.url)))
    return path
