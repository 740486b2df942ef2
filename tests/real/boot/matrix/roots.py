"""Machines whose config makes the root file system anew, each booted twice."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import quote

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.equipment import tpm
from tests.real.boot.machine import Boot, Machine, build
from tests.real.boot.matrix.conftest import shown
from tests.real.boot.server import FROM_THE_GUEST, Server
from tests.real.boot.workload import LATER, PAYLOAD, ran
from tests.real.tang import TANGD, serving_tang, thumbprint

pytestmark = [pytest.mark.boot, pytest.mark.timeout(3600)]

FOLDER = Path(__file__).parents[1] / "roots"

ROOT_DISK, DATA_DISK = "/dev/disk/by-id/virtio-root", "/dev/disk/by-id/virtio-data"

TELLING = """\
[Unit]
Before=probe.service
[Service]
Type=oneshot
ExecStart=sh -c 'python3 /srv/special_files.py --show /srv/special | cmp - /srv/special.json && echo same >/etc/told'
ExecStart=sh -c 'findmnt --noheadings --output SOURCE,FSTYPE / >>/etc/told'
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="session")
def images(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    """A small root with RAID, clevis and several file systems."""
    return build(wheel, tmp_path_factory.mktemp("roots"), "roots", FOLDER / "build.sh")


@pytest.fixture
def machine(images: DebianRoot, tmp_path: Path) -> Iterator[Machine]:
    yield from shown(Machine(images, tmp_path / "machine"))


def config(folder: Path, **storage: Any) -> Path:
    """A config whose file and unit have to be on the new root file system."""
    path = folder / "config.ign"
    name = {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,moved"}}
    unit = {"name": "telling.service", "enabled": True, "contents": TELLING}
    everything = {"storage": {**storage, "files": [name]}, "systemd": {"units": [unit]}}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, **everything}))
    return path


def check_moved(first: Boot, machine: Machine, path: Path, source: str, **more: Any) -> Boot:
    """Check the first boot, and a second one with the arguments that the boot loader has then; returns this one."""
    assert "keeping the content of the root file system" in first.console
    assert first.reported["failed"] == [""]
    told = first.reported["told"].splitlines()
    assert (told[0], told[-1].split()) == ("same", source.split())
    assert first.reported["hostname"] == "moved"
    options = first.reported["entry"].splitlines()[-1].removeprefix("options root=LABEL=root rw").strip()
    second = machine.boot(f"provision.firstboot=auto {options}", path, **more)
    assert ran(second) == LATER
    assert second.reported["told"].splitlines()[-2:] == ["same", told[-1]]
    assert second.reported["failed"] == [""]
    changed = {"/etc/told"}
    before, after = ({k: v for k, v in one.reported["nodes"].items() if k not in changed} for one in (first, second))
    assert after == before
    return second


@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_a_root_of_another_kind_has_the_old_content(kind: str, machine: Machine, tmp_path: Path) -> None:
    root = {"device": ROOT_DISK, "format": kind, "label": "root", "wipeFilesystem": True}
    path = config(tmp_path, filesystems=[root])
    first = machine.boot("provision.firstboot=auto", path)
    check_moved(first, machine, path, f"/dev/vda {kind}")


def test_a_root_whose_content_fits_only_compressed(machine: Machine, tmp_path: Path) -> None:
    """Together with the memory that encryption needs it does not fit, and no disk changes."""
    root = {"device": ROOT_DISK, "format": "xfs", "label": "root", "wipeFilesystem": True}
    encrypted = {"name": "data", "device": DATA_DISK, "wipeVolume": True}
    path = config(tmp_path, luks=[encrypted], filesystems=[root])
    stopped = machine.boot("provision.firstboot=auto provision.on_failure=poweroff", path, memory=512)
    assert stopped.report is None, "the boot went on"
    assert re.search(r"that can be used; compressed by zstd it would need about \d+", stopped.console)
    assert machine.data.stat().st_blocks == 0, "the other disk was written"
    path = config(tmp_path, filesystems=[root])
    first = machine.boot("provision.firstboot=auto", path, memory=512)
    assert "in memory, compressed by zstd: " in first.console
    check_moved(first, machine, path, "/dev/vda xfs", memory=512)


def on_an_array(folder: Path, *files: dict[str, Any]) -> Path:
    """A config that makes the root on an array of two disks."""
    disks = [
        {"device": disk, "wipeTable": True, "partitions": [{"label": f"root-{number}", "sizeMiB": 900}]}
        for number, disk in enumerate((ROOT_DISK, DATA_DISK), 1)
    ]
    members = ["/dev/disk/by-partlabel/root-1", "/dev/disk/by-partlabel/root-2"]
    array = {"name": "root", "level": "raid1", "devices": members}
    root = {"device": "/dev/md/root", "format": "ext4", "label": "root", "wipeFilesystem": True}
    path = config(folder, disks=disks, raid=[array], filesystems=[root])
    text = json.loads(path.read_text())
    text["storage"]["files"] += files
    path.write_text(json.dumps(text))
    return path


def test_a_root_moves_to_an_array_of_two_disks(machine: Machine, tmp_path: Path) -> None:
    path = on_an_array(tmp_path)
    first = machine.boot("provision.firstboot=auto", path)
    check_moved(first, machine, path, "/dev/md127 ext4")


def test_a_boot_that_stopped_after_the_move_goes_on(machine: Machine, server: Server, tmp_path: Path) -> None:
    wanted = {"source": server.url, "verification": {"hash": "sha512-" + hashlib.sha512(PAYLOAD).hexdigest()}}
    path = on_an_array(tmp_path, {"path": "/opt/payload", "contents": wanted})
    server.payload = b"damaged"
    arguments = "provision.firstboot=auto rd.auto=1 provision.on_failure=poweroff"
    stopped = machine.boot(arguments, path)
    assert stopped.report is None, "the boot went on"
    assert "restoring the content of the root file system" in stopped.console
    assert "provision-files.service failed" in stopped.console
    server.payload = PAYLOAD
    first = machine.boot(arguments, path)
    assert "the content of the root file system" not in first.console
    assert first.reported["failed"] == [""]
    assert first.reported["told"].startswith("same\n")
    assert first.reported["nodes"]["/opt/payload"]["size"] == len(PAYLOAD)


def test_after_a_power_cut_nothing_starts_and_the_consoles_say_why(machine: Machine, tmp_path: Path) -> None:
    root = {"device": ROOT_DISK, "format": "xfs", "label": "root", "wipeFilesystem": True}
    path = config(tmp_path, filesystems=[root])
    with machine.running("provision.firstboot=auto", path) as boot:
        boot.wait_for("restoring the content of the root file system")
    second = machine.boot("provision.firstboot=auto provision.on_failure=poweroff", path)
    assert second.report is None, "half of a root file system was started"
    for console in (second.console, second.second_console):
        assert "the root file system is " in console
        assert "write the image to the disk again" in console


QUICK = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]


def volume(name: str, device: str, clevis: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "device": device, "wipeVolume": True, "clevis": clevis, "options": QUICK}


def test_a_root_moves_into_a_volume_that_a_tang_server_opens(machine: Machine, tmp_path: Path) -> None:
    if not Path(TANGD).exists():
        pytest.skip("tangd is not installed")
    with serving_tang(tmp_path / "tang") as port:
        server = {"url": f"http://{FROM_THE_GUEST}:{port}", "thumbprint": thumbprint(tmp_path / "tang")}
        root = {"device": "/dev/mapper/root", "format": "ext4", "label": "root", "wipeFilesystem": True}
        path = config(tmp_path, luks=[volume("root", ROOT_DISK, {"tang": [server]})], filesystems=[root])
        first = machine.boot("provision.firstboot=auto", path)
        check_moved(first, machine, path, "/dev/mapper/root ext4")
    options = first.reported["entry"].splitlines()[-1]
    assert "rd.neednet=1" in options
    assert "=_netdev" in options


NETWORK = "[Match]\nType=ether\n[Network]\nDHCP=yes\n"

REMOTE_MOUNT = """\
[Unit]
Requires=systemd-cryptsetup@data.service
After=systemd-cryptsetup@data.service
[Mount]
What=/dev/mapper/data
Where=/srv/data
Type=ext4
Options=_netdev
[Install]
RequiredBy=remote-fs.target
"""


@pytest.mark.skipif(not Path(TANGD).exists(), reason="tangd is not installed")
def test_the_real_root_opens_a_volume_with_data_by_a_tang_server(machine: Machine, tmp_path: Path) -> None:
    """At the second boot only the real root has a network."""
    units = [{"name": "srv-data.mount", "enabled": True, "contents": REMOTE_MOUNT}]
    units += [{"name": f"systemd-networkd{one}.service", "enabled": True} for one in ("", "-wait-online")]
    files = {"/etc/systemd/network/80-ether.network": NETWORK, "/srv/data/hello": "by Tang"}
    with serving_tang(tmp_path / "tang") as port:
        server = {"url": f"http://{FROM_THE_GUEST}:{port}", "thumbprint": thumbprint(tmp_path / "tang")}
        storage = {
            "luks": [volume("data", DATA_DISK, {"tang": [server]})],
            "filesystems": [{"device": "/dev/mapper/data", "format": "ext4", "path": "/srv/data"}],
            "files": [{"path": path, "contents": {"source": f"data:,{quote(text)}"}} for path, text in files.items()],
        }
        path = tmp_path / "config.ign"
        path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage, "systemd": {"units": units}}))
        first = machine.boot("provision.firstboot=auto", path)
        second = machine.boot("provision.firstboot=auto", path)
    for boot in (first, second):
        assert boot.reported["failed"] == [""]
        mounted = [one for disk in boot.reported["devices"]["blockdevices"] for one in below(disk)]
        assert {one["fstype"] for one in mounted if one["mountpoint"] == "/srv/data"} == {"ext4"}
        assert boot.reported["nodes"]["/srv/data/hello"]["size"] == len("by Tang")
    assert ran(second) == LATER
    assert second.reported["nodes"] == first.reported["nodes"]


DATA_MOUNT = """\
[Unit]
Requires=systemd-cryptsetup@data.service
After=systemd-cryptsetup@data.service
Before=probe.service
[Mount]
What=/dev/mapper/data
Where=/srv/data
Type=ext4
[Install]
RequiredBy=local-fs.target
"""


@pytest.mark.skipif(which("swtpm") is None, reason="swtpm is not installed")
def test_a_root_moves_into_a_volume_that_a_tpm_opens_and_data_is_on_an_array_in_another(
    machine: Machine, tmp_path: Path
) -> None:
    """The volume with the data is opened by the real root, by /etc/crypttab."""
    parts = [{"label": f"data-{number}", "number": number, "sizeMiB": 128} for number in (1, 2)]
    members = ["/dev/disk/by-partlabel/data-1", "/dev/disk/by-partlabel/data-2"]
    root = {"device": "/dev/mapper/root", "format": "xfs", "label": "root", "wipeFilesystem": True}
    data = {"device": "/dev/mapper/data", "format": "ext4", "path": "/srv/data"}
    path = config(
        tmp_path,
        disks=[{"device": DATA_DISK, "wipeTable": True, "partitions": parts}],
        raid=[{"name": "data", "level": "raid1", "devices": members}],
        luks=[volume("root", ROOT_DISK, {"tpm2": True}), volume("data", "/dev/md/data", {"tpm2": True})],
        filesystems=[root, data],
    )
    text = json.loads(path.read_text())
    text["storage"]["files"].append({"path": "/srv/data/hello", "contents": {"source": "data:,on%20an%20array"}})
    text["systemd"]["units"].append({"name": "srv-data.mount", "enabled": True, "contents": DATA_MOUNT})
    path.write_text(json.dumps(text))
    with tpm(tmp_path / "tpm") as devices:
        first = machine.boot("provision.firstboot=auto", path, devices=devices)
        assert first.reported["nodes"]["/srv/data/hello"]["size"] == len("on an array")
    with tpm(tmp_path / "tpm") as devices:
        second = check_moved(first, machine, path, "/dev/mapper/root xfs", devices=devices)
    mounted = [one for disk in second.reported["devices"]["blockdevices"] for one in below(disk)]
    assert {one["fstype"] for one in mounted if one["mountpoint"] == "/srv/data"} == {"ext4"}


def below(device: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A device of lsblk, and all that are on it."""
    yield device
    for one in device.get("children", ()):
        yield from below(one)


def test_a_copied_image_gets_identifiers_of_its_own(images: DebianRoot, machine: Machine, tmp_path: Path) -> None:
    """The root file system and the table of another disk; a later boot leaves both as they are."""
    root = subprocess.check_output(["blkid", "-o", "value", "-s", "UUID", images.image], text=True).strip()
    table = "00000000-0000-4000-a000-000000000001"
    layout = f"label: gpt\nlabel-id: {table}\nsize=64MiB, name=one\n"
    subprocess.run(["sfdisk", "--quiet", machine.data], input=layout, text=True, check=True)
    path = config(tmp_path)
    arguments = f"provision.firstboot=auto provision.restamp={table},{root}"
    found = []
    for _ in range(2):
        boot = machine.boot(arguments, path)
        assert boot.reported["failed"] == [""]
        shown = json.loads(subprocess.check_output(["sfdisk", "--json", machine.data]))["partitiontable"]
        assert [one["name"] for one in shown["partitions"]] == ["one"]
        (disk,) = [one for one in boot.reported["devices"]["blockdevices"] if one["name"] == "vda"]
        found.append((shown["id"].lower(), disk["uuid"]))
    assert found[0] == found[1]
    assert {table, root}.isdisjoint(found[0])
