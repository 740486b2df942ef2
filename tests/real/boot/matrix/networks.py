"""Programs that configure the network of the initramfs, a platform that says how, and what the real root gets of it."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import Boot, Machine
from tests.real.boot.probe import SWITCH
from tests.real.boot.server import Server
from tests.real.boot.workload import PAYLOAD, check_provisioned, check_unchanged, config, ran

pytestmark = pytest.mark.boot

STATIC = "ip=10.0.2.77::10.0.2.2:255.255.255.0:::none"
PROPAGATE = "provision.firstboot=auto provision.network=propagate"
NETWORKD, PROFILES = "/etc/systemd/network", "/etc/NetworkManager/system-connections"


def settings(boot: Boot) -> dict[str, int]:
    """Path -> mode of the settings of a network in the real root."""
    nodes = boot.reported["nodes"].items()
    return {path: stat.S_IMODE(node["mode"]) for path, node in nodes if path.startswith((NETWORKD, PROFILES))}


@pytest.mark.parametrize(
    ("ip", "written"), [("", {}), (STATIC, {f"{PROFILES}/default_connection.nmconnection": 0o600})], ids=["dhcp", "ip"]
)
def test_with_networkmanager_alone_the_config_can_fetch(
    ip: str, written: dict[str, int], wide: DebianRoot, machine: Machine, config_file: Path
) -> None:
    """The root gets what `ip=` says, and not what NetworkManager does by itself."""
    initramfs = wide.folder / "network-manager"
    first, second = (machine.boot(f"{PROPAGATE} {ip}", config_file, initramfs=initramfs) for _ in range(2))
    check_provisioned(first.reported)
    check_unchanged(first, second)
    assert settings(second) == written


@pytest.mark.parametrize("ip", ["", STATIC])
def test_with_the_network_of_dracut_alone_the_config_can_fetch(
    ip: str, wide: DebianRoot, machine: Machine, config_file: Path
) -> None:
    """dhclient, or an address of the kernel command line; there is neither systemd-networkd nor NetworkManager.

    The root gets no settings, and a message says so.
    """
    initramfs = wide.folder / "network-legacy"
    first, second = (machine.boot(f"{PROPAGATE} {ip}", config_file, initramfs=initramfs) for _ in range(2))
    check_provisioned(first.reported)
    check_unchanged(first, second)
    assert settings(second) == {}
    told = [one["message"] for one in first.reported["journal"] if "provision.network=propagate: " in one["message"]]
    assert [text for text in told if text.endswith("have no settings in this initramfs")]


PLATFORM = "provision.firstboot=auto ignition.platform.id=kubevirt provision.hostname=platform"
MACS = ("52:54:00:12:34:56", "52:54:00:12:34:57")
"""What QEMU gives the first network card of a machine, and the one of `SECOND_CARD`."""

SECOND_CARD = ("-netdev", "user,id=second,net=10.0.3.0/24", "-device", f"virtio-net-pci,netdev=second,mac={MACS[1]}")


def kubevirt_drive(folder: Path, wanted: dict[str, Any], **ethernets: Any) -> list[str]:
    """Options of qemu for a config drive of KubeVirt, with a host name and these network cards in netplan's form."""
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


OWN = f"{NETWORKD}/50-own.network"
OF_PLATFORM = f"{NETWORKD}/20-{MACS[0]}.network"


def used_in_root(boot: Boot) -> set[str]:
    """The files by which systemd-networkd has configured links after the switch to the real root."""
    messages = [one["message"] for one in boot.reported["journal"]]
    later = messages[messages.index(SWITCH) :]
    return {found[1] for text in later if (found := re.search(r": Configuring with (\S+)\.$", text))}


@pytest.mark.parametrize(
    ("wish", "has_own"),
    [("provision.network=propagate", False), ("provision.network=propagate", True), ("", True)],
    ids=["propagated", "the-config-wins", "not-propagated"],
)
def test_network_and_name_come_from_the_platform(
    wish: str, has_own: bool, images: DebianRoot, server: Server, tmp_path: Path
) -> None:
    """The described network is that of qemu's user network, without DHCP.

    The real root gets it too, from its first boot on, if that is wished and the config has no settings of its own.
    """
    wanted = config(server.url)
    wanted["systemd"]["units"].append({"name": "systemd-networkd.service", "enabled": True})
    if has_own:
        text = f"[Match]\nMACAddress={MACS[0]}\n[Network]\nDHCP=yes\n"
        contents = {"source": f"data:,{quote(text)}"}
        wanted["storage"]["files"].append({"path": OWN, "mode": 0o644, "contents": contents})
    card = {"match": {"macaddress": MACS[0]}, "addresses": ["10.0.2.77/24"]}
    attached = kubevirt_drive(tmp_path, wanted, nic0=card)
    machine = Machine(images, tmp_path / "machine")
    arguments = f"{PLATFORM} {wish}"
    boot, second = (machine.boot(arguments, tmp_path / "drive/user-data", devices=attached) for _ in range(2))
    check_name_and_payload(boot)
    assert {"platform-network", "hostname"} <= set(ran(boot))
    messages = [one["message"] for one in boot.reported["journal"]]
    messages = messages[: messages.index(SWITCH)]
    assert f"eth0: Configuring with /run/systemd/network/20-{MACS[0]}.network." in messages
    assert not [one for one in messages if "DHCPv4 address" in one]
    check_unchanged(boot, second)
    assert settings(second) == {OWN if has_own else OF_PLATFORM: 0o644}
    assert [used_in_root(one) for one in (boot, second)] == [{OWN if has_own else OF_PLATFORM}] * 2


def test_initramfs_tools_configures_the_network_of_the_platform(
    wide: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    """One card has addresses and a gateway, and the other one uses DHCP."""
    static = {"addresses": ["10.0.2.77/24", "fec0::77/64"], "gateway4": "10.0.2.2"}
    cards = [{"match": {"macaddress": mac.upper()}} for mac in MACS]
    attached = kubevirt_drive(
        tmp_path, config(server.url), nic0={**cards[0], **static}, nic1={**cards[1], "dhcp4": True}
    )
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
