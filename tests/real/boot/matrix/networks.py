"""Programs that configure the network of the initramfs, and a platform that says how."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import Boot, Machine
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


PLATFORM = "provision.firstboot=auto ignition.platform.id=kubevirt provision.hostname=platform"
MACS = ("52:54:00:12:34:56", "52:54:00:12:34:57")
"""What QEMU gives the first network card of a machine, and the one of `SECOND_CARD`."""

SECOND_CARD = ("-netdev", "user,id=second,net=10.0.3.0/24", "-device", f"virtio-net-pci,netdev=second,mac={MACS[1]}")


def kubevirt_drive(folder: Path, url: str, **ethernets: Any) -> list[str]:
    """Options of qemu for a config drive of KubeVirt, with a host name and these network cards in netplan's form."""
    wanted = config(url)
    wanted["storage"]["files"] = [one for one in wanted["storage"]["files"] if one["path"] != "/etc/hostname"]
    drive = folder / "drive"
    drive.mkdir()
    (drive / "user-data").write_text(json.dumps(wanted))
    (drive / "meta-data").write_text(json.dumps({"instance-id": "i-1", "local-hostname": "node-of-platform"}))
    (drive / "network-config").write_text(json.dumps({"version": 2, "ethernets": ethernets}))
    image = folder / "drive.img"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-L", "cidata", "-d", drive, image], check=True)
    return ["-drive", f"if=none,id=d2,file={image},format=raw", "-device", "virtio-blk-pci,drive=d2"]


def check_name_and_payload(boot: Boot) -> None:
    assert boot.reported["hostname"] == "node-of-platform"
    assert boot.reported["nodes"]["/opt/payload"]["size"] == len(PAYLOAD)
    assert boot.reported["failed"] == [""]


def test_network_and_name_come_from_the_platform(images: DebianRoot, server: Server, tmp_path: Path) -> None:
    """The described network is that of qemu's user network, without DHCP."""
    card = {"match": {"macaddress": MACS[0]}, "addresses": ["10.0.2.77/24"]}
    attached = kubevirt_drive(tmp_path, server.url, nic0=card)
    machine = Machine(images, tmp_path / "machine")
    boot, second = (machine.boot(PLATFORM, tmp_path / "drive/user-data", devices=attached) for _ in range(2))
    check_name_and_payload(boot)
    assert {"platform-network", "hostname"} <= set(ran(boot))
    messages = [one["message"] for one in boot.reported["journal"]]
    assert "eth0: Configuring with /run/systemd/network/20-52:54:00:12:34:56.network." in messages
    assert not [one for one in messages if "DHCPv4 address" in one]
    check_unchanged(boot, second)


def test_initramfs_tools_configures_the_network_of_the_platform(
    wide: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    """One card has addresses and a gateway, and the other one uses DHCP."""
    static = {"addresses": ["10.0.2.77/24", "fec0::77/64"], "gateway4": "10.0.2.2"}
    cards = [{"match": {"macaddress": mac.upper()}} for mac in MACS]
    attached = kubevirt_drive(tmp_path, server.url, nic0={**cards[0], **static}, nic1={**cards[1], "dhcp4": True})
    attached += SECOND_CARD
    at = wide.folder / "initramfs-tools"
    given = f"{PLATFORM} panic=-1", tmp_path / "drive/user-data"
    first, second = (machine.boot(*given, initramfs=at, devices=attached) for _ in range(2))
    check_name_and_payload(first)
    told = re.findall(r"ignition: (\w+): up, (.*)", first.console)
    assert [what.strip() for _, what in told] == ["10.0.2.77/24, fec0::77/64, 0.0.0.0/0 via 10.0.2.2", "DHCP"]
    assert re.findall(r"IP-Config: (\w+) complete", first.console) == [told[1][0]]
    assert "IP-Config" not in second.console
    check_unchanged(first, second, [])
