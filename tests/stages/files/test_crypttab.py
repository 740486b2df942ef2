"""What a system lacks to open its volumes is named."""

from __future__ import annotations

from provision.config.format import Clevis, Config, Luks, Storage
from provision.stages.files.crypttab import CLEVIS, CRYPTSETUP, SYSTEMD, missing_programs
from tests.stages.world import World

CONFIG = Config(storage=Storage(luks=(Luks(name="data"), Luks(name="bound", clevis=Clevis(tpm2=True)))))


def test_each_missing_program_is_named_with_its_volumes() -> None:
    world = World().with_file(SYSTEMD)
    cryptsetup, clevis = missing_programs(CONFIG, world)
    assert "systemd-cryptsetup to open data, bound at" in cryptsetup
    assert "clevis-luks-askpass to unlock bound at" in clevis
    assert list(missing_programs(CONFIG, world.with_file(CRYPTSETUP[1]).with_file(CLEVIS[0]))) == []


def test_nothing_is_said_without_volumes_or_without_systemd() -> None:
    assert list(missing_programs(Config(), World().with_file(SYSTEMD))) == []
    assert list(missing_programs(CONFIG, World())) == []
