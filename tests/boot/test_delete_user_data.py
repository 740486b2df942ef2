"""After success the config is deleted from the platform, where that is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.boot.delete_user_data import delete_user_data
from provision.failures import Failure
from provision.fetch.running_system import SystemPaths
from provision.system.running_system.local_system import LocalSystem

TOOL = """#!/bin/sh
echo "$1" >> "$(dirname "$0")/asked"
case "$1" in info-set*) exit CODE;; esac
"""


def machine(root: Path, words: str, image: str = "") -> LocalSystem:
    texts = {"proc/cmdline": words, "usr/lib/ignition/provision.conf": image, "sys/class/dmi/id/sys_vendor": "VMware"}
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text(text)
    return LocalSystem(SystemPaths(), str(root))


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a host was asked by VMware's tool, which stands before all other programs."""
    tool = tmp_path / "bin/vmware-rpctool"
    tool.parent.mkdir()
    tool.write_text(TOOL.replace("CODE", "0"))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    return tmp_path / "bin/asked"


@pytest.mark.parametrize("platform", ["vmware", "auto"])
@pytest.mark.parametrize("where", ["kernel", "image"])
def test_it_is_deleted_where_that_is_wanted(tmp_path: Path, asked: Path, platform: str, where: str) -> None:
    words, lock = f"ignition.platform.id={platform}", "provision.user_data=lock"
    running = machine(tmp_path, f"{words} {lock}") if where == "kernel" else machine(tmp_path, words, f"{lock}\n")
    delete_user_data(running)
    assert "info-set guestinfo.ignition.config.data e30K" in asked.read_text().splitlines()


def test_it_is_kept_otherwise(tmp_path: Path, asked: Path) -> None:
    delete_user_data(machine(tmp_path, "ignition.platform.id=vmware"))
    assert not asked.exists()


def test_a_platform_that_cannot_delete_is_left_alone(tmp_path: Path, asked: Path) -> None:
    delete_user_data(machine(tmp_path, "ignition.platform.id=hetzner provision.user_data=lock"))
    assert not asked.exists()


def test_a_config_that_stays_at_the_platform_is_reported(tmp_path: Path, asked: Path) -> None:
    (asked.parent / "vmware-rpctool").write_text(TOOL.replace("CODE", "1"))
    with pytest.raises(Failure, match="its config is still at the platform: "):
        delete_user_data(machine(tmp_path, "ignition.platform.id=vmware provision.user_data=lock"))
