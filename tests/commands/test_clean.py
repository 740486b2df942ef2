"""A system that is captured as an image."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.boot.records.completion_record import RECORD
from provision.cli import run
from provision.commands.clean import SECRETS, SSH_HOST_KEYS
from provision.engine.history import RECORD as RUN_RECORD
from provision.stages.files.result_file import RESULT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files in a root belong to root")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (RECORD, RUN_RECORD, RESULT, *SECRETS, *SSH_HOST_KEYS):
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of one machine\n")
    (tmp_path / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "etc/hostname").write_text("node\n")
    return tmp_path


def left(root: Path) -> set[str]:
    return {f"/{path.relative_to(root)}" for path in root.rglob("*") if not path.is_dir()}


def test_what_belongs_to_one_machine_is_removed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "clean", "--root", str(root)]) == 0
    assert left(root) == {"/etc/machine-id", "/etc/hostname", *SSH_HOST_KEYS}
    assert (root / "etc/machine-id").read_text() == "uninitialized\n"
    assert capsys.readouterr().out.splitlines()[-1] == f"removed {RECORD}"
    assert run(["provision", "clean", "--root", str(root), "--ssh-host-keys"]) == 0
    assert left(root) == {"/etc/machine-id", "/etc/hostname"}
    capsys.readouterr()
    assert run(["provision", "clean", "--root", str(root), "--ssh-host-keys"]) == 0
    assert capsys.readouterr().out == ""


def test_links_are_not_followed_out_of_the_root(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "random-seed").write_text("of the host\n")
    folder = root / "var/lib/systemd"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.symlink_to(outside)
    (root / "var/lib/dbus/machine-id").unlink()
    (root / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    assert run(["provision", "clean", "--root", str(root)]) == 0
    assert (outside / "random-seed").exists()
    assert (root / "var/lib/dbus/machine-id").is_symlink()


def test_a_directory_that_is_no_system_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "clean", "--root", str(tmp_path)]) == 1
    assert "is not the root of a system" in capsys.readouterr().err


@pytest.mark.disks
def test_the_record_on_another_file_system_is_removed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The file system that slots share, as `provision.firstboot.device=` names it."""
    tmp_path = tmp_path_factory.mktemp("shared")
    image, record = tmp_path / "shared.img", tmp_path / "record"
    record.mkdir()
    (record / Path(RECORD).name).write_text("{}")
    (record / "other").write_text("stays")
    with image.open("wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", record, image], check=True)
    attach = ["losetup", "--find", "--show", str(image)]
    device = subprocess.run(attach, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    argv = [sys.executable, "-m", "provision", "clean", "--root", str(root), "--record-device", device]
    try:
        first, second = (subprocess.run(argv, capture_output=True, text=True, check=True).stdout for _ in range(2))
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    assert first.splitlines()[-1] == f"removed the record on {device}"
    assert second == ""
    names = subprocess.run(["debugfs", "-R", "ls -p /", image], capture_output=True, text=True, check=True).stdout
    assert "/other/" in names
    assert Path(RECORD).name not in names


def test_a_device_that_is_none_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "clean", "--root", str(root), "--record-device", "shared"]) == 1
    assert "provision.firstboot.device=shared is not a block device" in capsys.readouterr().err
    assert (root / RECORD.lstrip("/")).exists()
