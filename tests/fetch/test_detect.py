"""Telling the platform by the firmware's tables, laid out as a tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.failures import Usage
from provision.fetch.acquire import acquire
from provision.fetch.detect import MARKS, Mark, detect
from provision.fetch.ground import Places
from provision.fetch.platforms import PLATFORMS
from provision.fetch.settings import Settings
from provision.system.ground import MachineGround


def machine(root: Path, **fields: str) -> MachineGround:
    folder = root / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    for name, text in fields.items():
        (folder / name).write_text(f"{text}\n")
    return MachineGround(Places(), str(root))


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: f"{mark.platform}-{mark.field}")
def test_marks_prove_platforms_that_exist(tmp_path: Path, mark: Mark) -> None:
    assert detect(machine(tmp_path, **{mark.field: f"{mark.beginning} and more"})) == mark.platform
    assert mark.platform in PLATFORMS


def test_azure_is_no_plain_hyperv(tmp_path: Path) -> None:
    tag = "7783-7084-3265-9085-8269-3286-77"
    assert detect(machine(tmp_path, product_name="Virtual Machine", chassis_asset_tag=tag)) == "azure"


def test_without_proof_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="Dell"):
        detect(machine(tmp_path, sys_vendor="Dell Inc.", product_name="PowerEdge"))


def test_auto_acquires_from_what_was_proven(tmp_path: Path) -> None:
    ground = machine(tmp_path, sys_vendor="QEMU")
    raw = tmp_path / "sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw"
    raw.parent.mkdir(parents=True)
    raw.write_text('{"ignition": {"version": "3.0.0"}}')
    acquired = acquire("auto", ground, Settings(offline=True))
    assert (acquired.provided, acquired.fetched[0].source) == (True, "qemu")
