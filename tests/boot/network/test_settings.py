"""Which settings of an initramfs the root may get, and what is said of those that it does not get or use."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.boot.network.settings import forget_settings, found_settings, remarks
from provision.config.format import Config
from provision.engine.preflight import Step
from provision.fetch.running_system import SystemPaths
from provision.planning.boot_state import BootState
from provision.stages.files import network
from provision.system.running_system.local_system import LocalSystem
from tests.stages.world import World, actions, run

UNITS, PROFILES = "/run/systemd/network", "/run/NetworkManager/system-connections"
UNIT, PROFILE = "/etc/systemd/network/20-eth0.network", "/etc/NetworkManager/system-connections/eth0.nmconnection"


def initramfs(folder: Path, command_line: str, *files: str) -> LocalSystem:
    for path, text in {"/proc/cmdline": command_line, **dict.fromkeys(files, "a")}.items():
        (folder / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (folder / path[1:]).write_text(text)
    return LocalSystem(SystemPaths(), str(folder))


def test_settings_of_both_programs_keep_their_names(tmp_path: Path) -> None:
    units = [f"{UNITS}/{name}" for name in ("20-eth0.network", "05-bond0.netdev", "90-lan0.link", "networkd.conf")]
    machine = initramfs(tmp_path, "ip=eth0:dhcp", *units, f"{PROFILES}/eth0.nmconnection")
    folder = "/etc/systemd/network"
    assert found_settings(machine) == dict.fromkeys(
        [f"{folder}/05-bond0.netdev", f"{folder}/20-eth0.network", f"{folder}/90-lan0.link", PROFILE], "a"
    )


@pytest.mark.parametrize(
    ("command_line", "names"),
    [
        ("", []),
        ("rd.neednet=1", []),
        ("ip=10.0.2.77::10.0.2.2:255.255.255.0:::none", ["default_connection.nmconnection"]),
        ("nameserver=192.0.2.1", ["default_connection.nmconnection"]),
        ("rd.route=192.0.2.0/24:10.0.2.2", ["default_connection.nmconnection"]),
    ],
)
def test_what_networkmanager_does_by_itself_is_left_out(tmp_path: Path, command_line: str, names: list[str]) -> None:
    """nm-initrd-generator also uses that name for addresses without an interface (seen with 1.42)."""
    files = [f"{PROFILES}/{name}" for name in ("default_connection.nmconnection", "lo.nmconnection")]
    found = found_settings(initramfs(tmp_path, command_line, *files))
    assert [path.rpartition("/")[2] for path in found] == names


def said(folder: Path, root: World, command_line: str = "ip=dhcp") -> list[tuple[str, str]]:
    waves, _ = run(network.plan, Config(), root)
    steps = [Step("files", number, action) for number, action in enumerate(actions(waves))]
    return [*remarks(initramfs(folder, command_line), steps, root)]


def root_with(settings: dict[str, str]) -> World:
    root = World(state=BootState(network_settings=settings)).with_file("/etc/machine-id", b"0" * 32)
    root.units.add("NetworkManager.service")
    return root


def test_a_root_that_uses_its_settings_needs_no_remark(tmp_path: Path) -> None:
    assert said(tmp_path, root_with({PROFILE: "a"})) == []


def test_settings_that_the_root_does_not_read_are_a_warning(tmp_path: Path) -> None:
    ((level, text),) = said(tmp_path, root_with({UNIT: "a"}))
    assert level == "warning"
    assert f"{UNIT} is written, but the root does not start systemd-networkd.service" in text


@pytest.mark.parametrize("machine_id", [b"uninitialized\n", None])
def test_presets_may_still_enable_the_service(tmp_path: Path, machine_id: bytes | None) -> None:
    root = root_with({UNIT: "a"})
    if machine_id is None:
        del root.nodes["/etc/machine-id"], root.contents["/etc/machine-id"]
    else:
        root.with_file("/etc/machine-id", machine_id)
    assert said(tmp_path, root) == []


def test_a_root_with_settings_of_its_own_is_told(tmp_path: Path) -> None:
    ((level, text),) = said(tmp_path, root_with({UNIT: "a"}).with_file("/etc/systemd/network/own.network"))
    assert (level, "has settings of a network" in text) == ("info", True)


@pytest.mark.parametrize(("command_line", "level"), [("ip=dhcp", "warning"), ("quiet", "info")])
def test_an_initramfs_without_settings_loses_only_those_that_were_given(
    tmp_path: Path, command_line: str, level: str
) -> None:
    """dracut's network-legacy and initramfs-tools; or there was nothing but DHCP."""
    text = "provision.network=propagate: systemd-networkd and NetworkManager have no settings in this initramfs"
    assert said(tmp_path, root_with({}), command_line) == [(level, text)]


def test_no_settings_stay_in_run(tmp_path: Path) -> None:
    """Neither a directory of drop-ins nor a missing folder keeps the others."""
    machine = initramfs(tmp_path, "", f"{UNITS}/10-a.network.d/mtu.conf", f"{UNITS}/20-eth0.network")
    forget_settings(machine)
    assert machine.names(UNITS) == ("10-a.network.d",)
    assert machine.names(PROFILES) == ()
