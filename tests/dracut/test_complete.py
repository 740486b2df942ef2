"""The stamp of a first boot is removed wherever the EFI system partition is mounted."""

from __future__ import annotations

import subprocess
from pathlib import Path

UNIT = Path(__file__).parents[2] / "dracut/provision-complete.service"

ADDON = "EFI/Linux/one.efi.extra.d/provision-first-boot.addon.efi"
ENTRY = "loader/entries/provision-first-boot.conf"


def commands() -> list[str]:
    """The shell commands of the unit, as systemd gives them to sh (systemd.service(5), "Command lines")."""
    lines = UNIT.read_text().replace("\\\n", " ").splitlines()
    found = [line.partition("sh -c '")[2].removesuffix("'") for line in lines if line.startswith("ExecStart=")]
    return [one.replace("$$", "$") for one in found]


def test_stamp_entry_and_addon_are_removed_and_nothing_else(tmp_path: Path) -> None:
    gone = [tmp_path / place / one for place in ("boot", "efi", "boot/efi") for one in (ADDON, ENTRY)]
    gone += [tmp_path / "boot/ignition.firstboot"]
    kept = [tmp_path / "efi/EFI/Linux/one.efi", tmp_path / "boot/loader/entries/linux.conf"]
    for path in (*gone, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for command in commands():
        here = command.replace(" /boot", f" {tmp_path}/boot").replace(" /efi", f" {tmp_path}/efi")
        subprocess.run(["sh", "-euc", here], check=True)
    assert [path.exists() for path in gone] == [False] * len(gone)
    assert all(path.exists() for path in kept)


def test_each_thing_that_is_removed_is_a_condition() -> None:
    conditions = [line.partition("=|")[2] for line in UNIT.read_text().splitlines() if line.startswith("ConditionPath")]
    for place in ("/boot", "/efi", "/boot/efi"):
        assert f"{place}/{ENTRY}" in conditions
        assert f"{place}/EFI/*/*.[eE][fF][iI].extra.d/provision-first-boot.addon.efi" in conditions
