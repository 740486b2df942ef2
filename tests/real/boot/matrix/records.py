"""Records of a first boot: disks of another machine, slots, a variable of the firmware, and a factory reset."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from provision.system.virtual_machine.options import OVMF, uefi
from tests.real.boot.machine import Machine, cpio
from tests.real.boot.workload import LATER, check_unchanged, ran

pytestmark = pytest.mark.boot


OTHER = "4c4c4544-0042-3510-8053-b4c04f4d5332"


def test_a_copied_disk_stops_and_a_later_boot_runs_nothing(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}}))
    first = machine.boot("provision.firstboot=auto", path)
    assert first.reported["nodes"]["/etc/.provision-complete.json"]["size"]
    copied = machine.boot("provision.firstboot=auto", path, uuid=OTHER)
    assert copied.report is None, "a machine with the record of another one must not come up"
    for console in (copied.console, copied.second_console):
        assert "the root file system has the record of another machine" in console
        assert "provision.firstboot.record=ignore" in console
    assert ran(machine.boot("", path)) == []


def test_a_fresh_copy_of_the_root_beside_it_is_not_provisioned(images: DebianRoot, tmp_path: Path) -> None:
    """Both have the same label, and udev may give that name to the copy."""
    machine = Machine(images, tmp_path / "machine")
    path = cleaned_config(tmp_path)
    assert machine.boot("provision.firstboot=auto", path).reported["failed"] == [""]
    copy = tmp_path / "copy.qcow2"
    backing = ["-F", "raw", "-b", str(images.image)]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(copy)], check=True)
    disk = ["-drive", f"if=virtio,format=qcow2,file={copy}"]
    boot = machine.boot("provision.firstboot=auto root=/dev/vdc", path, devices=disk)
    assert boot.report is None
    for console in (boot.console, boot.second_console):
        assert "there is no record on /dev/vdc" in console
        assert "has one of this machine" in console


def test_slots_share_the_record_on_the_efi_system_partition(images: DebianRoot, tmp_path: Path) -> None:
    """The second slot is another root file system, which nothing has provisioned."""
    path = tmp_path / "config.ign"
    file = {"path": "/etc/motd.d/provision", "contents": {"source": "data:,welcome"}}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [file]}}))
    shared = tmp_path / "shared.img"
    subprocess.run(["mkfs.fat", "-C", "-n", "SHARED", shared, str(64 << 10)], check=True, stdout=subprocess.PIPE)
    attached = ["-drive", f"if=none,id=d2,file={shared},format=raw", "-device", "virtio-blk-pci,drive=d2"]
    arguments = "provision.firstboot=auto provision.firstboot.device=LABEL=SHARED"
    first_slot = Machine(images, tmp_path / "a")
    first = first_slot.boot(arguments, path, devices=attached)
    assert first.reported["nodes"]["/etc/motd.d/provision"]["size"] == len("welcome")
    assert "/etc/.provision-complete.json" not in first.reported["nodes"]
    assert first.reported["failed"] == [""]
    second = Machine(images, tmp_path / "b").boot(arguments, path, devices=attached)
    assert ran(second) == LATER
    assert "/etc/motd.d/provision" not in second.reported["nodes"]
    check_unchanged(first, first_slot.boot(arguments, path, devices=attached))


EFIVAR = "provision.firstboot.device=efivar"

with_uefi = pytest.mark.skipif(not OVMF.exists(), reason="OVMF is not installed")

CLEAN = """\
[Unit]
Before=probe.service
ConditionKernelCommandLine=provision.test=clean
[Service]
Type=oneshot
ExecStart=python3 -m provision clean --root /
[Install]
WantedBy=multi-user.target
"""


def cleaned_config(folder: Path) -> Path:
    """A config with a unit that removes the record in boots with `provision.test=clean`."""
    path = folder / "config.ign"
    unit = {"name": "clean.service", "enabled": True, "contents": CLEAN}
    file = {"path": "/etc/motd.d/provision", "contents": {"source": "data:,welcome"}}
    disk = {"device": "/dev/disk/by-id/virtio-data", "wipeTable": True, "partitions": [{"label": "data"}]}
    storage = {"disks": [disk], "files": [file]}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage, "systemd": {"units": [unit]}}))
    return path


@with_uefi
@pytest.mark.parametrize("release", ["images", "next_release"])
def test_a_record_in_the_firmware_belongs_to_the_board(
    release: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A boot without power, the first one, a later one; a new disk; and both disks after the record was removed."""
    images, path, firmware = request.getfixturevalue(release), cleaned_config(tmp_path), uefi(tmp_path)
    machine, new_disk = Machine(images, tmp_path / "a"), Machine(images, tmp_path / "b")
    arguments = f"provision.firstboot=auto {EFIVAR}"
    with machine.running(
        f"{arguments} systemd.journald.forward_to_console=yes", path, devices=firmware
    ) as boot_without_power:
        boot_without_power.wait_for("Stage: fetch-offline")
    first = machine.boot(arguments, path, devices=firmware)
    assert first.reported["nodes"]["/etc/motd.d/provision"]["size"] == len("welcome")
    assert "/etc/.provision-complete.json" not in first.reported["nodes"]
    assert first.reported["failed"] == [""]
    check_unchanged(first, machine.boot(arguments, path, devices=firmware))
    other = new_disk.boot(arguments, path, devices=firmware)
    assert ran(other) == LATER
    assert "/etc/motd.d/provision" not in other.reported["nodes"]
    cleaned = machine.boot(f"{arguments} provision.test=clean", path, devices=firmware)
    assert cleaned.reported["failed"] == [""]
    again = new_disk.boot(arguments, path, devices=firmware)
    assert again.reported["nodes"]["/etc/motd.d/provision"]["size"] == len("welcome")
    assert ran(machine.boot(arguments, path, devices=firmware)) == LATER


FILL = """\
#!/bin/sh
guid=00000000-0000-4000-8000-000000000000
for size in 3000 300 30; do
    i=0
    while printf "\\7\\0\\0\\0%${size}s" x >"/sys/firmware/efi/efivars/Fill${size}n$i-$guid"; do
        i=$((i + 1))
    done
done
exit 0
"""
FILL_UNIT = """\
[Unit]
DefaultDependencies=no
Before=provision-look.service
[Service]
Type=oneshot
ExecStart=sh /fill
"""


@with_uefi
@pytest.mark.parametrize("release", ["images", "next_release"])
def test_a_firmware_without_room_stops_before_a_disk_is_changed(
    release: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Linux of Debian 12 does not tell how much room there is, and that of Debian 13 does."""
    machine, units = Machine(request.getfixturevalue(release), tmp_path / "machine"), "etc/systemd/system"
    overlay = cpio(
        {"fill": FILL, f"{units}/fill.service": FILL_UNIT},
        {f"{units}/provision-look.service.wants/fill.service": "../fill.service"},
    )
    firmware, path = uefi(tmp_path), cleaned_config(tmp_path)
    stopped = machine.boot(f"provision.firstboot=auto {EFIVAR}", path, overlay=overlay, devices=firmware)
    assert stopped.report is None, "nothing would know that this machine is provisioned"
    assert "cannot be written: No space left on device" in stopped.console
    with machine.data.open("rb") as data:
        assert not any(data.read(1 << 20)), "it changed a disk before it stopped"


def test_a_record_in_a_firmware_that_has_no_variables_stops_before_a_disk_is_changed(
    images: DebianRoot, tmp_path: Path
) -> None:
    machine = Machine(images, tmp_path / "machine")
    stopped = machine.boot(f"provision.firstboot=auto {EFIVAR}", cleaned_config(tmp_path))
    assert stopped.report is None, "nothing would know that this machine is provisioned"
    for console in (stopped.console, stopped.second_console):
        assert "this machine was not started by EFI" in console
        assert "provision.firstboot.device=LABEL=..." in console
    with machine.data.open("rb") as data:
        assert not any(data.read(1 << 20)), "it changed a disk before it stopped"


@with_uefi
def test_initramfs_tools_finds_the_record_in_the_firmware(wide: DebianRoot, machine: Machine, tmp_path: Path) -> None:
    """Nobody else mounts efivarfs there."""
    arguments, initramfs = f"provision.firstboot=auto {EFIVAR}", wide.folder / "initramfs-tools"
    path, firmware = cleaned_config(tmp_path), uefi(tmp_path)
    first = machine.boot(arguments, path, initramfs=initramfs, devices=firmware)
    assert first.reported["nodes"]["/etc/motd.d/provision"]["size"] == len("welcome")
    assert "/etc/.provision-complete.json" not in first.reported["nodes"]
    assert first.reported["failed"] == [""]
    second = machine.boot(arguments, path, initramfs=initramfs, devices=firmware)
    check_unchanged(first, second, [])


RESET = """\
[Unit]
Before=probe.service
[Service]
Type=oneshot
ExecStart=touch /home/core/own /etc/systemd/system/own /opt/payload
ExecStart=python3 -m provision reset --yes
[Install]
WantedBy=multi-user.target
"""


@pytest.mark.parametrize("place", ["", pytest.param(EFIVAR, marks=with_uefi)])
@pytest.mark.parametrize("way", ["command", "argument"])
def test_a_factory_reset_empties_the_root_and_makes_etc_again(
    way: str, place: str, images: DebianRoot, tmp_path: Path
) -> None:
    machine = Machine(images, tmp_path / "machine")
    firmware = uefi(tmp_path) if place else []
    unit = RESET if way == "command" else RESET.replace("ExecStart=python3 -m provision reset --yes\n", "")
    users = {"users": [{"name": "core"}]}
    first_config = {"passwd": users, "systemd": {"units": [{"name": "own.service", "enabled": True, "contents": unit}]}}
    name = {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,reset"}}
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, **first_config}))
    first = machine.boot(f"provision.firstboot=auto {place}", path, devices=firmware)
    assert first.reported["failed"] == [""]
    assert "/home/core/own" in first.reported["nodes"]
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [name]}}))
    argument = "provision.reset=yes" if way == "argument" else ""
    second = machine.boot(f"provision.firstboot=auto {place} {argument}", path, devices=firmware)
    assert "factory reset: removing" in second.console
    assert second.reported["hostname"] == "reset"
    assert second.reported["failed"] == [""]
    assert second.reported["core"] == {}
    gone = {"/home/core/own", "/etc/systemd/system/own", "/etc/systemd/system/own.service", "/opt/payload"}
    assert gone & second.reported["nodes"].keys() == set()
    assert ("/etc/.provision-complete.json" in second.reported["nodes"]) is (not place)
    assert ran(machine.boot(f"provision.firstboot=auto {place}", path, devices=firmware)) == LATER
