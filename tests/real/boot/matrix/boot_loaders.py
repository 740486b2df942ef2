"""Boot loaders: stamps, entries for the first boot, unified kernel images, kernel arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from provision.system.virtual_machine.options import OVMF, uefi
from tests.real.boot.equipment import (
    addon_disk,
    encrypted_for_tpm,
    grub_disk_for_root,
    systemd_boot_disk,
    tpm,
    uki_disk,
)
from tests.real.boot.machine import Boot, Machine, cpio
from tests.real.boot.server import Server
from tests.real.boot.workload import check_provisioned, check_unchanged, config, sources, unusable

pytestmark = pytest.mark.boot


@pytest.mark.skipif(not OVMF.exists(), reason="OVMF is not installed")
@pytest.mark.skipif(which("objcopy") is None, reason="objcopy is not installed")
@pytest.mark.skipif(which("systemd-creds") is None, reason="systemd-creds is not installed")
@pytest.mark.skipif(which("swtpm") is None, reason="swtpm is not installed")
def test_a_unified_kernel_image_with_a_credential_for_the_tpm_beside_it(
    wide: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    """Only the TPM of the machine can decrypt the config."""
    state = tmp_path / "tpm"
    credential = encrypted_for_tpm(state, "system.config", json.dumps(config(server.url)).encode())
    disk = uki_disk(wide, tmp_path, "provision.firstboot=auto", {"system.config": credential})
    with tpm(state) as devices:
        first = machine.boot_from_disk(disk, unusable(tmp_path), devices=[*uefi(tmp_path), *devices])
    check_provisioned(first.reported)
    assert sources(first) == {"credential system.config"}
    with tpm(state) as devices:
        second = machine.boot_from_disk(disk, unusable(tmp_path), devices=[*uefi(tmp_path), *devices])
    check_unchanged(first, second)


@pytest.mark.parametrize("loader", ["bls", "systemd-boot"])
def test_kernel_arguments_of_boot_loader_entries(loader: str, machine: Machine, tmp_path: Path) -> None:
    """The files of the boot loader are on the root; what is booted is not read from them."""
    path = tmp_path / "config.ign"
    arguments = {"shouldExist": ["nosmt", "console=ttyS0"], "shouldNotExist": ["quiet"]}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "kernelArguments": arguments}))
    overlay = cpio({"etc/provision-kargs.conf": f"LOADER={loader}\nBOOT=LABEL=root\n"})
    first = machine.boot("provision.firstboot=auto", path, overlay=overlay)
    assert first.report is None, "it did not reboot"
    second = machine.boot("provision.firstboot=auto", path, overlay=overlay)
    assert second.reported["entry"].splitlines()[-1] == "options root=LABEL=root nosmt console=ttyS0"
    assert second.reported["failed"] == [""]


def with_esp(config: dict[str, Any], place: str) -> dict[str, Any]:
    """The config with a unit that mounts the EFI system partition on /boot or /efi."""
    text = f"[Mount]\nWhat=/dev/disk/by-label/ESP\nWhere={place}\n[Install]\nRequiredBy=local-fs.target\n"
    config["systemd"]["units"].append({"name": f"{place.strip('/')}.mount", "enabled": True, "contents": text})
    return config


def check_once(boot: Callable[[], Boot]) -> None:
    """The first boot provisions; nothing of ours is in the second, which changes nothing."""
    first = boot()
    check_provisioned(first.reported)
    second = boot()
    assert "ignition.firstboot" not in second.reported["arguments"]
    check_unchanged(first, second, [])


def test_grub_loads_the_first_boot_archive_while_there_is_a_stamp(
    wide: DebianRoot, machine: Machine, config_file: Path, tmp_path: Path
) -> None:
    """The menu is written by grub-mkconfig with our part; the initramfs of all boots has nothing of ours."""
    disk = grub_disk_for_root(wide, tmp_path)
    check_once(lambda: machine.boot_from_disk(disk, config_file))


@pytest.mark.skipif(not OVMF.exists(), reason="OVMF is not installed")
def test_systemd_boot_has_an_entry_with_the_first_boot_archive_once(
    wide: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(with_esp(config(server.url), "/boot")))
    disk = systemd_boot_disk(wide, tmp_path, "")
    check_once(lambda: machine.boot_from_disk(disk, path, devices=uefi(tmp_path)))


@pytest.mark.skipif(not OVMF.exists(), reason="OVMF is not installed")
def test_a_unified_kernel_image_has_an_addon_with_the_first_boot_archive_once(
    next_release: DebianRoot, newer: Machine, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(with_esp(config(server.url), "/efi")))
    disk = addon_disk(next_release, tmp_path)
    check_once(lambda: newer.boot_from_disk(disk, path, devices=uefi(tmp_path)))
