"""Where a distribution uses Ignition's names for its own units."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.boot.ordering_points import COMBINED_STAGES, SEPARATE_STAGES, are_used

UNITS = Path(__file__).parents[2] / "dracut/units"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("usr/lib/systemd/system/ignition-complete.target.requires/own.service", True),
        ("etc/systemd/system/ignition-diskful.target.wants/own.service", True),
        ("run/systemd/system/ignition-files.service.d/arguments.conf", True),
        ("usr/lib/systemd/system/ignition-subsequent.target.requires/own.service", False),
        ("usr/lib/systemd/system/ignition-diskful-subsequent.target.requires/own.service", False),
        ("usr/lib/systemd/system/initrd.target.requires/ignition-own.service", False),
        ("usr/lib/systemd/system/ignition-files.service", False),
    ],
)
def test_which_files_use_them(path: str, expected: bool, tmp_path: Path) -> None:
    assert not are_used(str(tmp_path))
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).touch()
    assert are_used(str(tmp_path)) is expected


def test_an_empty_folder_uses_nothing(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/system/ignition-complete.target.requires").mkdir(parents=True)
    assert not are_used(str(tmp_path))


def test_both_ways_run_the_same_steps() -> None:
    """The separate units run what the combined ones do not."""
    alone = {"fetch-offline", "kargs", "mount", "umount", "end"}
    combined = set(" ".join(COMBINED_STAGES.values()).split())
    separate = set(" ".join(SEPARATE_STAGES.values()).split())
    assert combined - separate == alone - {"fetch-offline"}
    units = [path.read_text() for path in UNITS.glob("provision-*.service")]
    started = [line for text in units if "separate-stages" in text for line in text.splitlines() if "stage.sh" in line]
    assert {word for line in started for word in line.partition("stage.sh ")[2].split()} == alone


def test_every_variable_of_the_units_is_set() -> None:
    text = "".join(path.read_text() for path in UNITS.glob("*.service"))
    used = {word.removeprefix("$") for word in text.split() if word.startswith("$")}
    assert used == set(COMBINED_STAGES) == set(SEPARATE_STAGES)
