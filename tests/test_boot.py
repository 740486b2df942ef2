"""What a boot is started with."""

from __future__ import annotations

from provision.boot import seed

UUID = "4c4c4544-0042-3510-8053-b4c04f4d5331\n"


def test_one_config_on_one_machine_has_one_seed() -> None:
    assert seed("config", UUID, "", "") == seed("config", UUID.upper(), "", "")
    assert seed("config", UUID) != seed("other", UUID)
    assert seed("config", UUID) != seed("config", UUID.replace("1\n", "2\n"))


def test_no_identity_makes_it_random() -> None:
    for nothing in ("", "00000000-0000-0000-0000-000000000000\n", "ffffffff-ffff-ffff-ffff-ffffffffffff"):
        assert seed("config", nothing) != seed("config", nothing)
