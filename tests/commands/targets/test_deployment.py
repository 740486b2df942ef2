"""`provision plan --root` of a deployment of OSTree tells what a first boot would refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provision.commands.targets.deployment import add_deployment_checks
from provision.commands.targets.target import Target
from provision.config.format import Config, File, Storage
from provision.engine.preflight import simulate
from provision.failures import PlanRefused
from tests.stages.world import World

CHECKSUM = "e" * 64
DEPLOYMENT = f"ostree/deploy/debian/deploy/{CHECKSUM}.0"
OPTIONS = "root=LABEL=root rw ostree=/ostree/boot.1/debian/e748/0"
PATHS = ("/usr/own", "/data/own", "/sysroot/own", "/boot/own", "/etc/own")
CONFIG = Config(storage=Storage(files=tuple(File(path=path) for path in PATHS)))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The physical root with a deployment that has composefs; an older entry of the boot loader names another one."""
    disk = tmp_path / "sysroot"
    for name in ("boot", "dev", "etc", "sysroot", "usr/lib/ostree", "var"):
        (disk / DEPLOYMENT / name).mkdir(parents=True)
    (disk / DEPLOYMENT / "usr/lib/ostree/prepare-root.conf").write_text("[composefs]\nenabled = yes\n")
    (disk / "ostree/boot.1/debian/e748").mkdir(parents=True)
    (disk / "ostree/boot.1/debian/e748/0").symlink_to(f"../../../deploy/debian/deploy/{CHECKSUM}.0")
    entries = disk / "boot/loader.0/entries"
    entries.mkdir(parents=True)
    (disk / "boot/loader").symlink_to("loader.0")
    (entries / "ostree-2.conf").write_text(f"title Debian\noptions {OPTIONS}\n")
    (entries / "ostree-1.conf").write_text("title Debian\noptions ostree=/ostree/boot.1/debian/old/0\n")
    return disk


def refused(root: Path, *, changing: bool = False) -> tuple[list[int], list[str]]:
    """The indices of the files that are refused, and the notes."""
    target = Target(World(), None, ())
    add_deployment_checks(target, str(root), CONFIG, changing=changing)
    try:
        simulate(target.preview, CONFIG, target.view, lambda _step: None)
    except PlanRefused as found:
        return [int(one.path[2]) for one in found.problems], target.notes
    return [], target.notes


def test_a_deployment_on_a_mounted_disk(disk: Path) -> None:
    assert refused(disk / DEPLOYMENT) == ([0, 1, 2], [])
    (disk / "boot/loader").unlink()  # then /boot is a file system of its own
    assert refused(disk / DEPLOYMENT) == ([0, 1, 2, 3], [])


def test_a_physical_root_means_the_deployment_that_boots_next(disk: Path) -> None:
    found, notes = refused(disk)
    assert found == [0, 1, 2]
    assert notes == [
        f"{disk} holds deployments of OSTree; --root {disk}/{DEPLOYMENT} plans for the next boot",
    ]


def test_a_running_deployment_is_the_one_of_its_kernel_command_line(disk: Path) -> None:
    root = disk.parent
    for name in ("proc", "run"):
        (root / name).mkdir()
    (root / "run/ostree-booted").touch()
    (root / "proc/cmdline").write_text("quiet\n")
    assert refused(root) == ([], [])
    (root / "proc/cmdline").write_text(OPTIONS.replace(" rw ", " ") + "\n")
    assert refused(root) == ([0, 1, 2, 3], [])
    assert refused(root, changing=True) == ([0, 1, 2, 3], [])


@pytest.mark.parametrize("made", ["usr", "ostree/deploy", "ostree/repo"])
def test_other_trees_are_not_looked_into(made: str, tmp_path: Path) -> None:
    (tmp_path / made).mkdir(parents=True)
    assert refused(tmp_path) == ([], [])


def test_the_command_names_each_place_and_changes_nothing(disk: Path) -> None:
    files = [{"path": path} for path in PATHS]
    text = json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": files}})
    argv = [sys.executable, "-m", "provision", "plan", "--root", str(disk / DEPLOYMENT), "-"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "/usr/own is on /usr, which is read-only in a deployment of OSTree" in done.stderr
    assert "there is no /data in this deployment of OSTree" in done.stderr
    assert "/etc/own" not in done.stderr
    assert not (disk / DEPLOYMENT / "etc/own").exists()
