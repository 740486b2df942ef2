"""What a deployment of OSTree cannot take is refused before the first change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.boot.root.deployment import checks, mounted_by_units
from provision.config.format import Config


def test_other_roots_have_no_such_check() -> None:
    assert checks(Config(), "root=LABEL=root") == ()
    assert checks(Config(), "root=LABEL=of-no-device ostree=/ostree/boot.1/debian/e748/0") == ()


def test_mount_units_of_the_initramfs_name_what_is_mounted(tmp_path: Path) -> None:
    for name in ("sysroot.mount", "sysroot-boot.mount", r"sysroot-a-b\x2dc.mount", "sysroot-boot.service"):
        (tmp_path / name).touch()
    assert sorted(mounted_by_units((str(tmp_path), str(tmp_path / "absent")))) == ["/a/b-c", "/boot"]


MOUNTED = """
import os, sys
from provision.boot.root.deployment import mount_var, unmount_var
from provision.config.json_text.decode import decode
root, command_line = sys.argv[1], "ostree=/ostree/boot.1/debian/e748/0"
mount_var(root, command_line, decode(sys.argv[2].encode()))
print(os.path.exists(f"{root}/var/shared"))
unmount_var(root, command_line)
print(os.path.exists(f"{root}/var/shared"))
"""


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize(("path", "is_shared"), [("/var", False), ("/var/log", True)])
def test_a_file_system_of_the_config_for_var_takes_the_place_of_the_shared_one(
    path: str, is_shared: bool, tmp_path: Path
) -> None:
    (tmp_path / "var").mkdir()
    shared = tmp_path / "sysroot/ostree/deploy/debian/var"
    shared.mkdir(parents=True)
    (shared / "shared").touch()
    filesystem = f'{{"device": "/dev/vdb", "format": "ext4", "path": "{path}"}}'
    config = f'{{"ignition": {{"version": "3.4.0"}}, "storage": {{"filesystems": [{filesystem}]}}}}'
    argv = ["unshare", "--mount", sys.executable, "-c", MOUNTED, str(tmp_path), config]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(is_shared), "False"]
