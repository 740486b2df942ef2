"""A factory reset of root file systems in folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.boot.factory_reset import REQUEST, removed, requested_paths, reset_root, summary
from provision.boot.first_boot_arguments import Verdict, reset_is_asked, verdict
from provision.boot.records.completion_record import RECORD
from provision.engine.history import RECORD as RUN_RECORD
from provision.failures import ActionFailed, Failure
from provision.fetch.running_system import SystemPaths
from provision.planning.boot_state import BootState
from provision.stages.files.result_file import RESULT
from provision.system.block.image_devices import ImageDevices
from provision.system.machine import Machine
from provision.system.running_system.local_system import LocalSystem

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files in a root belong to root")

SYSTEM = {
    "usr/bin/sh": "program",
    "usr/share/factory/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "usr/share/factory/etc/machine-id": "of the maker\n",
    "usr/share/factory/etc/ssh/sshd_config": "factory\n",
    f"usr/share/factory{RECORD}": "{}",
    "boot/vmlinuz": "kernel",
}
USED = {
    "etc/passwd": "changed\n",
    "etc/shadow": "secret\n",
    "etc/ssh/ssh_host_ed25519_key": "key\n",
    RECORD[1:]: "{}",
    RUN_RECORD[1:]: "{}",
    RESULT[1:]: "{}",
    "home/core/data/file": "data",
    "var/lib/app/state": "state",
    "data/own": "own",
    "file": "own",
}


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name, text in {**SYSTEM, **USED}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "bin").symlink_to("usr/bin")
    (root / "home").chmod(0o751)
    factory = root / "usr/share/factory/etc"
    (factory / "mtab").symlink_to("../proc/self/mounts")
    (factory / "ssh").chmod(0o700)
    (factory / "passwd").chmod(0o604)
    os.chown(factory / "passwd", 5, 6)
    return root


def reset(root: Path, command_line: str = "", request: object = None) -> None:
    """Run the step `reset` of a boot on the root."""
    cmdline = root.parent / "cmdline"
    cmdline.write_text(command_line)
    if request is not None:
        (root / REQUEST[1:]).write_text(json.dumps(request))
    reset_root(str(root), LocalSystem(SystemPaths(kernel_cmdline_path=str(cmdline))))


AFTER = {*SYSTEM, "bin", "usr/share/factory/etc/mtab", "etc/passwd", "etc/ssh/sshd_config", "etc/mtab"}


@pytest.mark.parametrize(("command_line", "request_"), [("", {"keep": []}), ("quiet provision.reset=yes", None)])
def test_what_is_not_the_system_goes_and_etc_is_made_again(root: Path, command_line: str, request_: object) -> None:
    reset(root, command_line, request_)
    assert files(root) == AFTER
    found = (root / "etc/passwd").stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o604, 5, 6)
    assert (root / "etc/ssh").stat().st_mode & 0o777 == 0o700
    assert (root / "home").stat().st_mode & 0o777 == 0o751
    assert os.listdir(root / "home") == os.listdir(root / "var") == []
    assert not (root / "data").exists()


def test_nothing_is_done_unless_it_is_asked_for(root: Path) -> None:
    before = files(root)
    reset(root, "provision.firstboot=auto provision.reset=no")
    assert files(root) == before


def test_a_root_that_was_just_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "root/lost+found").mkdir(parents=True)
    reset(tmp_path / "root", "provision.reset=yes")
    assert files(tmp_path / "root") == set()


def test_what_is_kept_stays_and_nothing_of_the_factory_goes_there(root: Path) -> None:
    reset(root, request={"keep": ["/home/core", "/etc/ssh", "/var/lib/app/state"]})
    kept = {"etc/ssh/ssh_host_ed25519_key", "home/core/data/file", "var/lib/app/state"}
    assert files(root) == AFTER - {"etc/ssh/sshd_config"} | kept


def test_records_go_even_if_etc_is_kept(root: Path) -> None:
    (root / "usr/share/factory/etc/passwd").unlink()
    reset(root, request={"keep": ["/etc"]})
    assert (root / "etc/shadow").exists()
    for record in (RECORD, RUN_RECORD, RESULT, REQUEST):
        assert not (root / record[1:]).exists()


@pytest.mark.parametrize("gone", ["usr/share/factory/etc/passwd", "ostree"])
def test_a_system_that_could_not_start_is_refused_whole(root: Path, gone: str) -> None:
    if gone == "ostree":
        (root / gone).mkdir()
    else:
        (root / gone).unlink()
    before = files(root)
    with pytest.raises(Failure, match="nothing was removed"):
        reset(root, "provision.reset=yes")
    assert files(root) == before


@pytest.mark.parametrize("request_", [[], {}, {"keep": "x"}, {"keep": ["relative"]}, {"keep": [1]}, 7])
def test_a_damaged_request_changes_nothing(root: Path, request_: object) -> None:
    before = files(root)
    with pytest.raises(Failure, match="is not what `provision reset` writes"):
        reset(root, request=request_)
    assert files(root) == before | {REQUEST[1:]}
    with pytest.raises(Failure):
        requested_paths(b"[" * 100_000)


def test_an_interrupted_reset_starts_again(root: Path) -> None:
    """A file that cannot be removed stops it; the request of a kernel argument outlives that boot."""
    stuck = root / "var/lib/app/state"
    subprocess.run(["chattr", "+i", stuck], check=True)
    try:
        with pytest.raises(ActionFailed):
            reset(root, "provision.reset=yes")
    finally:
        subprocess.run(["chattr", "-i", stuck], check=True)
    assert (root / REQUEST[1:]).exists()
    reset(root)
    assert files(root) == AFTER


def test_nothing_is_removed_behind_a_link(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("of the host")
    (root / "srv").mkdir()
    (root / "srv/link").symlink_to(outside)
    (root / "opt").symlink_to(outside)
    reset(root, "provision.reset=yes")
    assert (outside / "file").exists()
    assert files(root) == AFTER | {"opt"}


def test_other_file_systems_stay(root: Path) -> None:
    program = """
import sys
from tests.boot.test_factory_reset import Path, reset, removed
reset(Path(sys.argv[1]), "provision.reset=yes")
"""
    mounted = root / "var/lib/app"
    script = f"mount -t tmpfs none '{mounted}' && touch '{mounted}/other' && shift && \"$@\" && ls '{mounted}'"
    argv = ["unshare", "--mount", "sh", "-ec", script, "sh", "", sys.executable, "-c", program, str(root)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "other"
    assert (root / "var/lib/app").is_dir()
    assert not (root / "home/core").exists()


def test_the_list_is_short_on_consoles(root: Path) -> None:
    machine = Machine(str(root), ImageDevices({}), BootState())
    gone = list(removed(machine, ()))
    assert gone == ["/data", "/etc", "/file", "/home/core", "/var/lib"]
    assert summary(gone) == ["/data", "/etc", "/file", "/home/*", "/var/*"]


def test_the_kernel_argument_makes_a_first_boot() -> None:
    assert verdict("provision.firstboot=auto provision.reset=yes") is Verdict.FIRST
    assert verdict("provision.firstboot=auto provision.reset=no") is Verdict.LOOK
    assert not reset_is_asked("quiet")
    for value in ("=1", "=", ""):
        with pytest.raises(Failure, match=r"provision\.reset="):
            verdict(f"provision.reset{value}")
