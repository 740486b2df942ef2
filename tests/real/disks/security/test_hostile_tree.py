"""No program of a foreign tree or image is run, and nothing outside of it is read or changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.disks.loop_devices import MIB, blank, left_attached, loop, mounted
from tests.real.disks.security import hostile_tree
from tests.real.disks.security.run_apply import apply

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

SECRET = b"bytes of another disk: " * 1000
SECONDS = 60

CONFIG = {
    "ignition": {"version": "3.4.0"},
    "passwd": {
        "groups": [{"name": "team", "gid": 2000}],
        "users": [
            {"name": "core", "uid": 1500, "groups": ["team"], "passwordHash": "$y$x", "sshAuthorizedKeys": ["ssh-x A"]},
            {"name": "old", "gecos": "changed"},
        ],
    },
}
ON_IMAGE = CONFIG | {
    "storage": {
        "disks": [{"device": "/dev/vda"}],
        "filesystems": [{"device": "/dev/vda", "format": "ext4", "label": "ROOT", "path": "/"}],
    }
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    hostile_tree.plain(tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def device(tmp_path: Path) -> Iterator[str]:
    image = blank(tmp_path / "victim.img", MIB)
    image.write_bytes(SECRET.ljust(MIB, b"\0"))
    with loop(image) as node:
        yield node
    assert image.read_bytes() == SECRET.ljust(MIB, b"\0")


def leaked(root: Path) -> list[Path]:
    """Files of a tree that hold bytes of the other disk."""
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and path.stat().st_size < MIB and SECRET[:20] in path.read_bytes()
    ]


def applied(root: Path, tmp_path: Path, *, image: bool) -> subprocess.CompletedProcess[str]:
    if not image:
        return apply(CONFIG, "--root", root)
    disk = hostile_tree.image_of(root, tmp_path / "disk.img")
    done = apply(ON_IMAGE, "--force", "--image", disk)
    assert left_attached(tmp_path / "disk.img") == []
    shutil.rmtree(root)
    root.mkdir()
    subprocess.run(["debugfs", "-R", f"rdump / {root}", str(disk)], check=True, capture_output=True)
    return done


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_module_is_loaded_by_a_tool_that_is_not_confined(root: Path, tmp_path: Path) -> None:
    hostile_tree.add_name_service(root, tmp_path / "canary")
    subprocess.run(["useradd", "--root", str(root), "core"], check=False, capture_output=True)
    assert (root / "loaded").exists()
    assert (tmp_path / "canary").exists()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("image", [False, True], ids=["tree", "image"])
def test_no_code_of_the_tree_is_loaded(root: Path, tmp_path: Path, *, image: bool) -> None:
    hostile_tree.add_name_service(root, tmp_path / "canary")
    done = applied(root, tmp_path, image=image)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "canary").exists()
    assert not (root / "loaded").exists()
    passwd = (root / "etc/passwd").read_text()
    assert "core:x:1500:1500::/home/core:" in passwd
    assert "old:x:1000:1000:changed:/home/old:" in passwd
    assert (root / "home/core/.profile").read_text() == "umask 022\n"
    assert "core:$y$x:" in (root / "etc/shadow").read_text()
    assert "team:x:2000:core\n" in (root / "etc/group").read_text()


@pytest.mark.parametrize("image", [False, True], ids=["tree", "image"])
def test_programs_of_the_tree_are_not_run(root: Path, tmp_path: Path, *, image: bool) -> None:
    for name in ("usr/sbin/nscd", "usr/sbin/sss_cache", "sbin/pam_tally2", "sbin/nologin"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("#!/bin/sh\necho run >/ran\n")
        (root / name).chmod(0o755)
    done = applied(root, tmp_path, image=image)
    assert done.returncode == 0, done.stderr
    assert not (root / "ran").exists()
    assert "core:x:1500:" in (root / "etc/passwd").read_text()


def test_hooks_of_the_tree_are_named(root: Path) -> None:
    hook = root / "etc/shadow-maint/useradd-post.d/hook"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\necho run >/ran\n")
    hook.chmod(0o755)
    done = apply(CONFIG, "--root", root)
    assert done.returncode == 1
    assert "/etc/shadow-maint/useradd-post.d/hook would have to be run" in done.stderr
    assert "core" not in (root / "etc/passwd").read_text()
    assert not (root / "ran").exists()


@pytest.mark.parametrize("image", [False, True], ids=["tree", "image"])
def test_special_files_are_left_alone(root: Path, tmp_path: Path, device: str, *, image: bool) -> None:
    hostile_tree.add_special_files(root, device)
    started = time.monotonic()
    applied(root, tmp_path, image=image)
    assert time.monotonic() - started < SECONDS / 2
    assert leaked(root) == []
    assert mounted(tmp_path) == []


@pytest.mark.parametrize("name", ["passwd", "group", "shadow", "gshadow", "subuid", "login.defs", ".pwd.lock", "skel"])
@pytest.mark.parametrize("kind", ["device", "fifo", "socket", "directory", "huge", "link out"])
def test_what_takes_the_place_of_a_file(root: Path, device: str, name: str, kind: str) -> None:
    if (root / "etc" / name).is_dir():
        shutil.rmtree(root / "etc" / name)
    before = {path: Path(path).read_bytes() for path in ("/etc/passwd", "/etc/group", "/etc/shadow")}
    hostile_tree.replace(root / "etc" / name, kind, device)
    done = apply(CONFIG, "--root", root)
    assert done.returncode in {0, 1}, done.stderr
    assert leaked(root) == []
    assert {path: Path(path).read_bytes() for path in before} == before
    assert (
        "$y$x" not in (root / "etc/passwd").read_bytes()[: 1 << 20].decode()
        if (root / "etc/passwd").is_file()
        else True
    )


@pytest.mark.parametrize("place", ["etc", "home", "etc/skel", "home/core", "var"])
def test_directories_that_are_links_out(root: Path, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    hostile_tree.plain(outside)
    (outside / "secret").write_bytes(SECRET)
    (outside / "etc/secret").write_bytes(SECRET)
    before = sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_uid) for path in outside.rglob("*"))
    if (root / place).is_dir():
        shutil.rmtree(root / place)
    (root / place).symlink_to(outside / "etc" if place == "etc" else outside)
    done = apply(CONFIG, "--root", root)
    assert done.returncode in {0, 1}, done.stderr
    assert leaked(root) == []
    after = sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_uid) for path in outside.rglob("*"))
    assert after == before


def test_images_are_mounted_without_devices_programs_and_set_id_bits(root: Path, tmp_path: Path) -> None:
    real, log = shutil.which("mount"), tmp_path / "log"
    tool = tmp_path / "bin/mount"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" >>{log}\nexec {real} "$@"\n')
    tool.chmod(0o755)
    disk = hostile_tree.image_of(root, tmp_path / "disk.img")
    done = apply(ON_IMAGE, "--force", "--image", disk, PATH=f"{tool.parent}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert "-t ext4 -o nodev,nosuid,noexec -- /dev/loop" in log.read_text()


def test_where_it_cannot_be_confined_no_account_is_made(root: Path) -> None:
    argv = [
        "setpriv",
        "--bounding-set=-sys_admin",
        sys.executable,
        "-m",
        "provision",
        "apply",
        "-",
        "--root",
        str(root),
    ]
    done = subprocess.run(argv, input=json.dumps(CONFIG), capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 1
    assert "groupadd cannot be confined to" in done.stderr
    assert "--privileged" in done.stderr
    assert "team" not in (root / "etc/group").read_text()


@pytest.mark.parametrize("name", ["with blank", "back\\slash", "link"])
def test_odd_paths_of_the_tree(root: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "link":
        path.symlink_to(root)
    else:
        root.rename(path)
    done = apply(CONFIG, "--root", path)
    assert done.returncode == 0, done.stderr
    assert "core:x:1500:" in (path / "etc/passwd").read_text()


def test_file_systems_mounted_in_the_tree_are_part_of_it(root: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", str(root / "home")], check=True)
    try:
        done = apply(CONFIG, "--root", root)
        assert done.returncode == 0, done.stderr
        assert (root / "home/core/.profile").exists()
    finally:
        subprocess.run(["umount", str(root / "home")], check=True)


def test_what_a_killed_tool_left_is_cleared(root: Path) -> None:
    (root / "etc/passwd.lock").write_text(f"{os.getpid()}\0")  # this process is alive, but is no account tool
    (root / "etc/group.lock").write_text("1\0")
    done = apply(CONFIG, "--root", root)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (root / "etc").glob("*.lock")] == [".pwd.lock"]
