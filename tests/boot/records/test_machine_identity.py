"""What a machine is told from others by."""

from __future__ import annotations

import pytest

from provision.boot.records.machine_identity import FILES, machine_identity
from provision.fetch.running_system import SystemPaths
from provision.system.running_system.local_system import LocalSystem

UUID = "4c4c4544-0042-3510-8053-b4c04f4d5331\n"


class Dmi(LocalSystem):
    """This machine with firmware of its own."""

    def __init__(self, *texts: str) -> None:
        super().__init__(SystemPaths())
        self.texts = dict(zip(FILES, texts, strict=False))

    def read_text(self, path: str) -> str:
        return self.texts.get(path, "")


def test_the_uuid_and_the_serial_numbers_tell_a_machine() -> None:
    assert len(machine_identity(Dmi(UUID))) == 32
    assert machine_identity(Dmi(UUID)) == machine_identity(Dmi(UUID.upper().strip()))
    assert machine_identity(Dmi(UUID)) != machine_identity(Dmi(UUID, "serial"))
    assert machine_identity(Dmi(UUID)) != machine_identity(Dmi(UUID.replace("1\n", "2\n")))


@pytest.mark.parametrize(
    "nothing", ["", "00000000-0000-0000-0000-000000000000\n", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
)
def test_firmware_without_a_number_says_so_with_one_digit(nothing: str) -> None:
    assert machine_identity(Dmi(nothing)) == ""
