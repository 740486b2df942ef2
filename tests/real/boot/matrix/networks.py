"""Programs that configure the network of the initramfs, and a platform that says how."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import Machine
from tests.real.boot.server import Server
from tests.real.boot.workload import PAYLOAD, check_provisioned, check_unchanged, config, ran

pytestmark = pytest.mark.boot


def test_with_networkmanager_alone_the_config_can_fetch(wide: DebianRoot, machine: Machine, config_file: Path) -> None:
    initramfs = wide.folder / "network-manager"
    first, second = (machine.boot("provision.firstboot=auto", config_file, initramfs=initramfs) for _ in range(2))
    check_provisioned(first.reported)
    check_unchanged(first, second)


@pytest.mark.parametrize("ip", ["", "ip=10.0.2.77::10.0.2.2:255.255.255.0:::none"])
def test_with_the_network_of_dracut_alone_the_config_can_fetch(
    ip: str, wide: DebianRoot, machine: Machine, config_file: Path
) -> None:
    """dhclient, or an address of the kernel command line; there is neither systemd-networkd nor NetworkManager."""
    initramfs = wide.folder / "network-legacy"
    first, second = (machine.boot(f"provision.firstboot=auto {ip}", config_file, initramfs=initramfs) for _ in range(2))
    check_provisioned(first.reported)
    check_unchanged(first, second)


def test_network_and_name_come_from_the_platform(images: DebianRoot, server: Server, tmp_path: Path) -> None:
    """A config drive of KubeVirt; its network is that of qemu's user network, without DHCP."""
    wanted = config(server.url)
    wanted["storage"]["files"] = [one for one in wanted["storage"]["files"] if one["path"] != "/etc/hostname"]
    network = {"match": {"macaddress": "52:54:00:12:34:56"}, "addresses": ["10.0.2.77/24"]}
    drive = tmp_path / "drive"
    drive.mkdir()
    (drive / "user-data").write_text(json.dumps(wanted))
    (drive / "meta-data").write_text(json.dumps({"instance-id": "i-1", "local-hostname": "node-of-platform"}))
    (drive / "network-config").write_text(json.dumps({"version": 2, "ethernets": {"nic0": network}}))
    image = tmp_path / "drive.img"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-L", "cidata", "-d", drive, image], check=True)
    attached = ["-drive", f"if=none,id=d2,file={image},format=raw", "-device", "virtio-blk-pci,drive=d2"]
    arguments = "provision.firstboot=auto ignition.platform.id=kubevirt provision.hostname=platform"
    machine = Machine(images, tmp_path / "machine")
    boot, second = (machine.boot(arguments, drive / "user-data", devices=attached) for _ in range(2))
    assert boot.reported["hostname"] == "node-of-platform"
    assert boot.reported["nodes"]["/opt/payload"]["size"] == len(PAYLOAD)
    assert {"platform-network", "hostname"} <= set(ran(boot))
    messages = [one["message"] for one in boot.reported["journal"]]
    assert "eth0: Configuring with /run/systemd/network/20-52:54:00:12:34:56.network." in messages
    assert not [one for one in messages if "DHCPv4 address" in one]
    assert boot.reported["failed"] == [""]
    check_unchanged(boot, second)
