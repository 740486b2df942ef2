"""The first-boot archive: what of one initramfs another one lacks, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "dracut/first-boot-archive"

STAND_IN = """\
#!/bin/sh -eu
case ${0##*/} in
lsinitrd) cp -a "$2/." . ;;
dracut) for word; do folder=${image-} image=$word; done; cp -a "$COMPLETE" "$folder" ;;
esac
"""
"""`lsinitrd` and `dracut` for initramfs that are directories."""


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """An initramfs, and what dracut makes with our modules, as directories."""
    for name in ("present", "complete"):
        tree = tmp_path / name
        (tree / "usr/lib/modules/6.1-test").mkdir(parents=True)
        (tree / "usr/bin").mkdir()
        (tree / "usr/bin/sh").write_text("the same")
        (tree / "bin").symlink_to("usr/bin")
        (tree / "usr/lib/modules/6.1-test/modules.dep").write_text(name)
    (tmp_path / "complete/usr/bin/provision").write_text("ours")
    (tmp_path / "complete/usr/bin/ignition").symlink_to("provision")
    (tmp_path / "complete/usr/bin/sh").touch()
    (tmp_path / "tools").mkdir()
    for tool in ("lsinitrd", "dracut"):
        (tmp_path / "tools" / tool).write_text(STAND_IN)
        (tmp_path / "tools" / tool).chmod(0o755)
    return tmp_path


def run(trees: Path, initramfs: str, archive: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{trees}/tools:{os.environ['PATH']}", "COMPLETE": str(trees / "complete")}
    argv = [sys.executable, str(PROGRAM), str(trees / initramfs), str(trees / archive)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)


def names(archive: Path) -> list[str]:
    unpacked = subprocess.run(["gzip", "-dc", archive], stdout=subprocess.PIPE, check=True).stdout
    listed = subprocess.run(["cpio", "--quiet", "-t"], input=unpacked, stdout=subprocess.PIPE, check=True)
    return listed.stdout.decode().split()


def test_it_has_what_is_new_or_different_after_its_directories(trees: Path) -> None:
    (trees / "complete/etc").mkdir()
    (trees / "complete/etc/provision.conf").touch()
    done = run(trees, "present", "archive")
    assert (done.returncode, done.stderr) == (0, "")
    found = names(trees / "archive")
    assert sorted(found) == [
        *("etc", "etc/provision.conf", "usr", "usr/bin", "usr/bin/ignition", "usr/bin/provision"),
        *("usr/lib", "usr/lib/modules", "usr/lib/modules/6.1-test", "usr/lib/modules/6.1-test/modules.dep"),
    ]
    assert all(found.index(name) > found.index(str(Path(name).parent)) for name in found if "/" in name)


def test_an_initramfs_with_our_modules_is_refused(trees: Path) -> None:
    done = run(trees, "complete", "archive")
    assert (done.returncode, "contains our modules: write provision_first_boot_archive=yes" in done.stderr) == (1, True)
    assert not (trees / "archive").exists()


def test_dracut_without_our_modules_is_an_error_and_the_old_archive_stays(trees: Path) -> None:
    (trees / "archive").write_text("old")
    (trees / "complete/usr/bin/provision").unlink()
    done = run(trees, "present", "archive")
    assert (done.returncode, "dracut left our modules out" in done.stderr) == (1, True)
    assert (trees / "archive").read_text() == "old"


def test_wrong_arguments_are_refused_at_once(trees: Path) -> None:
    (trees / "folder").mkdir()
    for initramfs, archive, message in (
        ("missing", "folder", f"{trees}/missing: there is no such initramfs"),
        ("missing", "folder", f"{trees}/folder is a directory: name the file to write"),
        ("present", "nowhere/archive", f"the directory {trees}/nowhere does not exist"),
        ("complete/bin/sh", "complete/usr/bin/sh", "is the initramfs itself"),
    ):
        done = run(trees, initramfs, archive)
        assert (done.returncode, message in done.stderr) == (1, True), done.stderr


def test_missing_programs_are_named(trees: Path) -> None:
    argv = [sys.executable, str(PROGRAM), str(trees / "present"), str(trees / "archive")]
    done = subprocess.run(argv, env={"PATH": str(trees)}, capture_output=True, text=True, check=False)
    assert (done.returncode, "install dracut, lsinitrd, cpio, gzip" in done.stderr) == (1, True)


def test_a_failure_leaves_nothing_beside_the_old_archive(trees: Path) -> None:
    """What is left would fill the boot partition."""
    (trees / "archive").write_text("old")
    (trees / "tools/cpio").write_text("#!/bin/sh\nexit 3\n")
    (trees / "tools/cpio").chmod(0o755)
    done = run(trees, "present", "archive")
    assert (done.returncode, done.stderr) == (1, "provision-first-boot-archive: cpio failed (3)\n")
    assert ((trees / "archive").read_text(), (trees / "archive.new").exists()) == ("old", False)
