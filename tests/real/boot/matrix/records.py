"""Records of a first boot: disks of another machine, slots, and a factory reset."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import Machine
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


@pytest.mark.parametrize("way", ["command", "argument"])
def test_a_factory_reset_empties_the_root_and_makes_etc_again(way: str, images: DebianRoot, tmp_path: Path) -> None:
    machine = Machine(images, tmp_path / "machine")
    unit = RESET if way == "command" else RESET.replace("ExecStart=python3 -m provision reset --yes\n", "")
    users = {"users": [{"name": "core"}]}
    first_config = {"passwd": users, "systemd": {"units": [{"name": "own.service", "enabled": True, "contents": unit}]}}
    name = {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,reset"}}
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, **first_config}))
    first = machine.boot("provision.firstboot=auto", path)
    assert first.reported["failed"] == [""]
    assert "/home/core/own" in first.reported["nodes"]
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [name]}}))
    argument = "provision.reset=yes" if way == "argument" else ""
    second = machine.boot(f"provision.firstboot=auto {argument}", path)
    assert "factory reset: removing" in second.console
    assert second.reported["hostname"] == "reset"
    assert second.reported["failed"] == [""]
    assert second.reported["core"] == {}
    gone = {"/home/core/own", "/etc/systemd/system/own", "/etc/systemd/system/own.service", "/opt/payload"}
    assert gone & second.reported["nodes"].keys() == set()
    assert second.reported["nodes"]["/etc/.provision-complete.json"]["size"]
    assert ran(machine.boot("provision.firstboot=auto", path)) == LATER
