"""What a deployment of OSTree cannot take is refused before the first change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.boot.root.deployment import checks, mounted_by_units, warnings
from provision.config.format import Config


def test_other_roots_have_no_such_check() -> None:
    assert checks(Config(), "root=LABEL=root") == ()
    assert checks(Config(), "root=LABEL=of-no-device ostree=/ostree/boot.1/debian/e748/0") == ()


OSTREE = "root=LABEL=root ostree=/ostree/boot.1/debian/e748/0"


@pytest.mark.parametrize(
    ("command_line", "settings", "warned"),
    [
        (OSTREE, "[etc]\ntransient = true\n", True),
        (OSTREE, "[etc]\ntransient=1\n", True),
        (OSTREE, "[etc]\ntransient = false\n", False),
        (OSTREE, "[root]\ntransient = true\n", False),
        (OSTREE, "", False),
        ("root=LABEL=root", "[etc]\ntransient = true\n", False),
    ],
)
def test_a_first_boot_warns_that_etc_is_not_kept(command_line: str, settings: str, warned: bool) -> None:
    assert any("transient /etc" in sentence for sentence in warnings(command_line, settings)) is warned


def test_mount_units_of_the_initramfs_name_what_is_mounted(tmp_path: Path) -> None:
    for name in ("sysroot.mount", "sysroot-boot.mount", r"sysroot-a-b\x2dc.mount", "sysroot-boot.service"):
        (tmp_path / name).touch()
    assert sorted(mounted_by_units((str(tmp_path), str(tmp_path / "absent")))) == ["/a/b-c", "/boot"]


MOUNTED = """
import os, sys
from provision.boot.root.deployment import mount_shared, unmount_shared
from provision.config.json_text.decode import decode
from provision.system import mount_table
root, command_line = sys.argv[1], "ostree=/ostree/boot.1/debian/e748/0"
os.system(sys.argv[3].replace("ROOT", root))
mount_shared(root, command_line, decode(sys.argv[2].encode()))
for name in ("var", "boot"):
    print(name, *sorted(os.listdir(f"{root}/{name}")))
    if mount_table.at(f"{root}/{name}"):
        open(f"{root}/{name}/written", "x")
unmount_shared(root)
print(*sorted(os.listdir(f"{root}/var") + os.listdir(f"{root}/boot")))
"""
"""Shows what is in /var and /boot of a deployment while they are mounted, writes to them, and shows it once more."""


def mounted(root: Path, path: str, before: str = "") -> list[str]:
    """What MOUNTED shows, after a command, in a tree with both directories; the config has a file system at `path`."""
    for folder in ("var", "boot", "sysroot/ostree/deploy/debian/var", "sysroot/boot/loader.1"):
        (root / folder).mkdir(parents=True)
    (root / "sysroot/ostree/deploy/debian/var/shared").touch()
    (root / "sysroot/boot/loader").symlink_to("loader.1")
    filesystem = f'{{"device": "/dev/vdb", "format": "ext4", "path": "{path}"}}'
    config = f'{{"ignition": {{"version": "3.4.0"}}, "storage": {{"filesystems": [{filesystem}]}}}}'
    own_run = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs run /run && exec "$0" "$@"']
    argv = [*own_run, sys.executable, "-c", MOUNTED, str(root), config, before]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/var", ["var", "boot loader loader.1"]),
        ("/boot", ["var shared", "boot"]),
        ("/var/log", ["var shared", "boot loader loader.1"]),
    ],
)
def test_a_file_system_of_the_config_takes_the_place_of_what_deployments_share(
    path: str, shown: list[str], tmp_path: Path
) -> None:
    assert mounted(tmp_path, path) == [*shown, ""]


@pytest.mark.disks
@needs_root
def test_what_deployments_share_is_written_where_the_disk_is_mounted_read_only(tmp_path: Path) -> None:
    mounted(tmp_path, "/srv", "mount --bind ROOT/sysroot ROOT/sysroot && mount -o remount,bind,ro ROOT/sysroot")
    assert (tmp_path / "sysroot/boot/written").exists()
    assert (tmp_path / "sysroot/ostree/deploy/debian/var/written").exists()


IS_READ_ONLY = """
cp -a ROOT/sysroot ROOT/copy && mount -t tmpfs own ROOT/sysroot && cp -a ROOT/copy/. ROOT/sysroot &&
mount -o remount,ro ROOT/sysroot
"""
"""The physical root is a file system that is read-only at all its mount points."""


@pytest.mark.disks
@needs_root
def test_without_rw_on_the_kernel_command_line_what_deployments_share_is_written(tmp_path: Path) -> None:
    """With etc.transient nothing has made the physical root writable: /etc can be written already."""
    assert mounted(tmp_path, "/srv", IS_READ_ONLY) == ["var shared", "boot loader loader.1", ""]


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ("mount -t tmpfs own ROOT/boot && touch ROOT/boot/own", ["boot own", "own written"]),
        ("rm ROOT/sysroot/boot/loader; mkdir ROOT/sysroot/boot/loader", ["boot", ""]),
    ],
    ids=["mounted", "another file system"],
)
def test_boot_is_left_alone_where_something_else_belongs(before: str, shown: list[str], tmp_path: Path) -> None:
    assert mounted(tmp_path, "/srv", before) == ["var shared", *shown]
