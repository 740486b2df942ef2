"""The script of a later boot: the platform's file, and which of Ignition's targets it starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "dracut/units/subsequent.sh"


def run(root: Path, command_line: str, *, live: bool = False) -> str:
    """Run the script in a root; returns the arguments of systemctl."""
    for folder in ("proc", "run", "programs"):
        (root / folder).mkdir()
    (root / "proc/cmdline").write_text(f"{command_line}\n")
    programs = {"systemctl": f'echo "$*" >{root}/started', "is-live-image": f"exit {0 if live else 1}"}
    for name, line in programs.items():
        program = root / "programs" / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    path = f"{root / 'programs'}:/usr/bin:/bin"
    subprocess.run(["sh", SCRIPT, str(root)], check=True, env={"PATH": path})
    return (root / "started").read_text().strip()


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("quiet ignition.platform.id=metal * ignition.platform.id=qemu", "qemu"),
        ("flatcar.oem.id=ami ignition.platform.id=aws", "aws"),
        ("coreos.oem.id=ami", "ami"),
        ("ignition.platform.id=$(reboot)", "$(reboot)"),
        ("quiet", ""),
    ],
)
def test_the_platform_is_written(command_line: str, expected: str, tmp_path: Path) -> None:
    run(tmp_path, command_line)
    assert (tmp_path / "run/ignition.env").read_text() == f"PLATFORM_ID={expected}\n"


@pytest.mark.parametrize("live", [False, True])
def test_the_targets_start(tmp_path: Path, *, live: bool) -> None:
    expected = "start --no-block ignition-subsequent.target"
    expected += "" if live else " ignition-diskful-subsequent.target"
    assert run(tmp_path, "ignition.platform.id=qemu", live=live) == expected


def test_only_units_that_are_linked_to_the_targets_start_the_script() -> None:
    lines = (SCRIPT.parent / "provision-subsequent.service").read_text().splitlines()
    targets = [path.name for path in SCRIPT.parent.glob("ignition-*subsequent.target")]
    folders = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system")
    places = {f"/{folder}/{name}.{kind}" for folder in folders for name in targets for kind in ("requires", "wants")}
    assert {line.partition("=|")[2] for line in lines if line.startswith("ConditionDirectoryNotEmpty=")} == places
