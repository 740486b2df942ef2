"""Settings of the initramfs's network in the root: how they are written, and that what the root has comes first."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest

from provision.config.format import Config, File, Link, Storage
from provision.engine.history import FileHistory
from provision.failures import ActionFailed, PlanRefused
from provision.planning.arguments import Content
from provision.planning.file_actions import WriteFile
from provision.stages.files import network
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from provision.system.root.record_file import RecordFile
from tests.stages.world import STATE, World, actions, run

NETWORKD, PROFILES = "/etc/systemd/network", "/etc/NetworkManager/system-connections"
UNIT = f"{NETWORKD}/20-eth0.network"


def root(*paths: str) -> World:
    return World(state=STATE._replace(network_settings=dict.fromkeys(paths or (UNIT,), "[Match]\n")))


def written(world: World, config: Config | None = None) -> list[WriteFile]:
    found = actions(run(network.plan, config or Config(), world)[0])
    return [action for action in found if isinstance(action, WriteFile)]


def test_modes_are_those_that_the_programs_want() -> None:
    paths = (UNIT, f"{NETWORKD}/05-bond0.netdev", f"{NETWORKD}/90-a.link", f"{PROFILES}/eth0.nmconnection")
    found = written(root(*paths).with_group("systemd-network", 998))
    assert [(one.path, one.mode, one.uid, one.gid) for one in found] == [
        (UNIT, 0o644, 0, 0),
        (f"{NETWORKD}/05-bond0.netdev", 0o640, 0, 998),
        (f"{NETWORKD}/90-a.link", 0o644, 0, 0),
        (f"{PROFILES}/eth0.nmconnection", 0o600, 0, 0),
    ]
    assert {one.parts for one in found} == {(Content(b"[Match]\n"),)}
    assert all(one.exclusive for one in found)


def test_a_root_without_the_group_keeps_keys_from_everybody() -> None:
    (found,) = written(root(f"{NETWORKD}/05-bond0.netdev"))
    assert (found.mode, found.gid) == (0o640, 0)


def test_missing_directories_are_made() -> None:
    (found,) = written(root().with_directory("/etc"))
    assert found.parents == ("/etc/systemd", "/etc/systemd/network")


@pytest.mark.parametrize(
    "path",
    [
        f"{NETWORKD}/80-ethernet.network",
        f"{NETWORKD}/vlan7.netdev",
        f"{NETWORKD}/80-vendor.network.d/mtu.conf",
        f"{PROFILES}/office.nmconnection",
        f"{PROFILES}/old",
        "/etc/netplan/50-cloud-init.yaml",
        "/etc/network/interfaces.d/eth0",
        "/etc/sysconfig/network-scripts/ifcfg-eth0",
    ],
)
def test_what_the_root_or_the_config_has_comes_first(path: str) -> None:
    assert written(root().with_file(path)) == []
    for storage in (Storage(files=(File(path=path),)), Storage(links=(Link(path=path, target="/dev/null"),))):
        assert written(root(), Config(storage=storage)) == []


INTERFACES = "/etc/network/interfaces"
LOOPBACK = b"source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n#iface eth0 inet dhcp\n"


@pytest.mark.parametrize("path", ["/usr/lib/systemd/network/10-a.network", INTERFACES])
def test_some_paths_are_settings_only_in_a_config(path: str) -> None:
    """A vendor's defaults are in /usr, and Debian's ifupdown has a file with the loopback in many roots."""
    assert written(root().with_file(path, LOOPBACK))
    assert written(root(), Config(storage=Storage(files=(File(path=path),)))) == []


def test_a_link_that_ifupdown_of_the_root_configures_comes_first() -> None:
    own = b"\nallow-hotplug ens3\niface ens3 inet dhcp\n"
    assert written(root().with_file(INTERFACES, LOOPBACK + own)) == []


@pytest.mark.parametrize(
    "path",
    [
        f"{NETWORKD}/99-default.link",
        f"{NETWORKD}/README",
        "/etc/netplan/README",
        "/etc/sysconfig/network-scripts/ifcfg-lo",
        "/etc/sysconfig/network-scripts/readme-ifcfg-rh.txt",
        "/etc/hostname",
    ],
)
def test_other_files_are_no_settings(path: str) -> None:
    assert written(root().with_file(path), Config(storage=Storage(files=(File(path=path),))))


def test_no_file_is_replaced() -> None:
    world = root(UNIT, f"{NETWORKD}/90-a.link").with_file(f"{NETWORKD}/90-a.link", b"own")
    assert [one.path for one in written(world)] == [UNIT]
    assert written(root(f"{NETWORKD}/90-a.link").with_link(f"{NETWORKD}/90-a.link", "/dev/null")) == []


def test_links_on_the_way_are_followed() -> None:
    (found,) = written(root().with_link(NETWORKD, "../network").with_directory("/etc/network"))
    assert found.path == "/etc/network/20-eth0.network"
    own = root().with_link(NETWORKD, "../network").with_file("/etc/network/own.network")
    assert written(own) == []


def test_a_path_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(PlanRefused, match="/etc/systemd is not a directory"):
        written(root().with_file("/etc/systemd"))


def test_without_settings_the_root_is_not_looked_at() -> None:
    assert written(World().with_file("/etc/systemd")) == []


def bonded(uuid: str) -> dict[str, str]:
    """Settings of a bond and its port, as nm-initrd-generator makes them: the UUIDs are other ones in every boot."""
    return {
        f"{PROFILES}/bond0.nmconnection": f"[connection]\nid=bond0\nuuid={uuid}\n",
        f"{PROFILES}/eth0.nmconnection": f"[connection]\nuuid={uuid4()}\nmaster={uuid}\n",
    }


def test_connections_have_the_same_uuids_in_every_boot() -> None:
    first, second = (
        {one.path: one.parts for one in written(World(state=STATE._replace(network_settings=bonded(str(uuid4())))))}
        for _ in range(2)
    )
    assert first == second
    bond, port = (part.data.decode() for (part,) in first.values() if isinstance(part, Content))
    assert re.findall("uuid=(.+)", bond) == re.findall("master=(.+)", port) != re.findall("uuid=(.+)", port)


@pytest.mark.parametrize("survive", [0, 1, 2, 3])
def test_an_interrupted_run_goes_on(tmp_path: Path, survive: int) -> None:
    """What it has written itself is not taken for settings of the root."""
    tree = tmp_path / "root"
    (tree / "etc").mkdir(parents=True)
    for most in (survive, 3):
        settings = {UNIT: "[Match]\n", **bonded(str(uuid4()))}
        machine = Machine(str(tree), KernelDevices(), STATE._replace(network_settings=settings))
        history = FileHistory(RecordFile(str(tree), "/etc/journal"), "digest")
        view = history.view(machine)
        for wave in network.plan(Config(), view):
            for action in history.begin(wave, view, machine).pending[:most]:
                machine.apply(action)
            if most == 3:
                history.finish(wave, view)
                assert {action.path for action in wave if isinstance(action, WriteFile)} == set(settings)
        machine.release()
    assert {path for path in settings if (tree / path[1:]).is_file()} == set(settings)


def test_other_settings_than_those_of_the_interrupted_run_are_called_so(tmp_path: Path) -> None:
    """A person has changed `ip=` since then."""
    (tmp_path / "etc").mkdir()
    for text in ("[Match]\n", "[Match]\nName=*\n"):
        machine = Machine(str(tmp_path), KernelDevices(), STATE._replace(network_settings={UNIT: text}))
        history = FileHistory(RecordFile(str(tmp_path), "/etc/journal"), "digest")
        view = history.view(machine)
        (wave,) = network.plan(Config(), view)
        (action,) = history.begin(wave, view, machine).pending
        if text == "[Match]\n":
            machine.apply(action)
        else:
            with pytest.raises(ActionFailed, match="an interrupted run wrote it with other content") as failed:
                machine.apply(action)
            assert UNIT in failed.value.message
            assert "overwrite" not in failed.value.message
        machine.release()
    assert (tmp_path / UNIT[1:]).read_text() == "[Match]\n"
