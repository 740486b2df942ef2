"""`provision try` with a small Debian 13, and with an image of one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from provision.system.virtual_machine.options import OVMF
from tests.real.boot.equipment import whole_disk

pytestmark = pytest.mark.boot


ALIVE = """
variant: fcos
version: 1.5.0
kernel_arguments: {should_exist: [nosmt]}
storage:
  disks: [{device: /dev/vda, wipe_table: true, partitions: [{label: data, size_mib: 256}]}]
  filesystems: [{device: /dev/disk/by-partlabel/data, format: ext4, path: /var/data, with_mount_unit: true}]
  files: [{path: /var/data/hello, contents: {inline: on ext4}}]
systemd:
  units:
  - name: probe.service
    enabled: true
    contents: |
      [Service]
      Type=oneshot
      ExecStart=/bin/sh -ec 'grep nosmt /proc/cmdline; grep "on ext4" /var/data/hello; findmnt /var/data'
      [Unit]
      RequiresMountsFor=/var/data
      [Install]
      WantedBy=multi-user.target
"""


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (ALIVE, 0, "the machine came up, and all units are well"),
        (ALIVE.replace("on ext4}", "another}"), 6, "the machine came up, and is degraded:\nprovision:   probe.service"),
        (ALIVE.replace("/var/data/hello,", "/etc/passwd,"), 6, "the machine ended before it was up"),
    ],
)
def test_a_tried_config_boots_and_the_exit_code_tells_how(text: str, code: int, told: str, tmp_path: Path) -> None:
    path = tmp_path / "site.bu"
    path.write_text(text)
    argv = [sys.executable, "-m", "provision", "try", str(path), "--check"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr + done.stdout[-4000:]


# the images of these tests have a unit that powers off after its report
MASKED = ALIVE.replace("  - name: probe.service\n", "  - {name: probe.service, mask: true}\n  - name: alive.service\n")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param(MASKED, (), id="bios"),
        pytest.param(
            MASKED.replace("kernel_arguments: {should_exist: [nosmt]}\n", "").replace("grep nosmt /proc/cmdline; ", ""),
            ("--uefi",),
            id="uefi",
            marks=pytest.mark.skipif(not OVMF.exists(), reason="OVMF is not installed"),
        ),
    ],
)
def test_an_image_with_a_boot_loader(text: str, options: tuple[str, ...], wide: DebianRoot, tmp_path: Path) -> None:
    """With GRUB, the machine reboots for the kernel argument that it did not have."""
    image = whole_disk(wide, tmp_path, "provision.firstboot=auto" if not options else "")
    before = image.stat().st_mtime_ns
    path = tmp_path / "site.bu"
    path.write_text(text)
    argv = [sys.executable, "-m", "provision", "try", str(path), "--base", str(image), "--check", *options]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout[-4000:]
    assert "the machine came up, and all units are well" in done.stderr
    assert image.stat().st_mtime_ns == before
