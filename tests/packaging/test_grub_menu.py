"""The part of grub-mkconfig that puts the first boot into the menu of GRUB, beside each kind of 10_linux."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PART = Path(__file__).parents[2] / "packaging/grub.d/09_provision"
LIBRARY = """\
make_system_path_relative_to_its_root() { echo /@/boot; }
prepare_grub_to_access_device() { echo "search --set=root $1"; }
"""
MENU = """\
menuentry 'Debian' --class os {
\tlinux\t/boot/vmlinuz-6 root=a
\tinitrd\t/boot/initrd.img-6
}
submenu 'More' {
menuentry 'Old' {
\tlinux\t/boot/vmlinuz-5
}
}
"""
BLSCFG = "insmod blscfg\nblscfg\n"
ENTRY = (
    "title Fedora\nlinux /vmlinuz-{0}\ninitrd /initramfs-{0}.img $tuned_initrd\noptions root=a\noptions $kernelopts\n"
)
FIRST_BOOT = "ignition.firstboot $ignition_network_kcmdline"
STAMP = """\
set ignition_network_kcmdline=""
search --set=root /dev/sda1
if [ -e "/@/boot/ignition.firstboot" ]; then
source "/@/boot/ignition.firstboot"
set default=0
"""


def written(folder: Path, linux: str) -> subprocess.CompletedProcess[str]:
    """What the part writes if 10_linux writes `linux`, and the archive is there. The menu is one that GRUB reads."""
    (folder / "boot/loader/entries").mkdir(parents=True, exist_ok=True)
    (folder / "boot/provision-first-boot.img").touch()
    (folder / "grub-mkconfig_lib").write_text(LIBRARY)
    (folder / "linux").write_text(linux)
    part = shutil.copy(PART, folder)
    (folder / "10_linux").write_text(f"#!/bin/sh\ncat {folder}/linux\n")
    (folder / "10_linux").chmod(0o755)
    environment = {
        "PATH": "/usr/bin:/bin",
        "pkgdatadir": str(folder),
        "BOOT_FOLDER": f"{folder}/boot",
        "GRUB_DEVICE_BOOT": "/dev/sda1",
    }
    done = subprocess.run([part], env=environment, capture_output=True, text=True, check=False, timeout=60)
    if (check := shutil.which("grub-script-check")) and done.stdout:
        subprocess.run([check], input=done.stdout, text=True, check=True, timeout=60)
    return done


def test_the_first_entry_of_10_linux(tmp_path: Path) -> None:
    done = written(tmp_path, MENU)
    entry = f"""\
menuentry 'Debian' --class os {{
\tlinux\t/boot/vmlinuz-6 root=a {FIRST_BOOT}
\tinitrd\t/boot/initrd.img-6 /@/boot/provision-first-boot.img
}}
fi
"""
    assert (done.returncode, done.stdout, done.stderr) == (0, STAMP + entry, "")


def test_the_newest_entry_that_blscfg_reads(tmp_path: Path) -> None:
    entries = tmp_path / "boot/loader/entries"
    entries.mkdir(parents=True)
    for version in ("6.9", "6.10", "0-rescue"):
        (entries / f"abc-{version}.conf").write_text(ENTRY.format(version))
    (entries / "shell.conf").write_text("efi /shell.efi\n")
    (entries / "provision-first-boot.conf").write_text(ENTRY.format("9"))
    done = written(tmp_path, BLSCFG)
    entry = f"""\
menuentry 'First boot' {{
search --set=root /dev/sda1
\tlinux /vmlinuz-6.10 root=a $kernelopts {FIRST_BOOT}
\tinitrd /initramfs-6.10.img $tuned_initrd /@/boot/provision-first-boot.img
}}
fi
"""
    assert (done.returncode, done.stdout, done.stderr) == (0, STAMP + entry, "")


@pytest.mark.parametrize("linux", [BLSCFG, ""])
def test_without_an_entry_it_writes_nothing_and_warns(tmp_path: Path, linux: str) -> None:
    done = written(tmp_path, linux)
    assert (done.returncode, done.stdout) == (0, "")
    assert "the menu has no first boot" in done.stderr
