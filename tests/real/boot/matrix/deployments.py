"""Deployments of OSTree, plain (Debian 13) and with composefs (14), and roots with two paths (Debian 12 and 13)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from provision.system.virtual_machine import options
from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import Boot, Machine, build, cpio
from tests.real.boot.matrix.conftest import shown
from tests.real.boot.workload import HASH, KEY, LATER, mount_unit, ran

pytestmark = [pytest.mark.boot, pytest.mark.timeout(3600)]

FOLDER = Path(__file__).parents[1] / "deployments"

UPDATE = """\
[Unit]
Before=probe.service
ConditionPathExists=!/var/lib/updated
[Service]
Type=oneshot
ExecStart=ostree admin deploy --os=debian next
ExecStart=sh -c 'cat /boot/loader/entries/*.conf >/var/lib/updated'
ExecStart=sh -c 'cp /var/lib/updated /etc/told'
[Install]
WantedBy=multi-user.target
"""
"""Makes the next deployment, and tells the test the entries of the boot loader."""

TEXTS = {"/etc/motd.d/provision": "welcome", "/opt/payload": "shared", "/var/log/app/hello": "logs"}
"""The path of a file of a config -> its content: in /etc, in /var by a link of the deployment, and in /var."""

USER = {"name": "core", "uid": 1200, "passwordHash": HASH, "sshAuthorizedKeys": [KEY]}


def files_with(texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """The files of a config that have these contents."""
    return [{"path": path, "contents": {"source": f"data:,{text}"}} for path, text in texts.items()]


def sizes(boot: Boot, paths: Iterable[str]) -> dict[str, int]:
    """The sizes of those of these files that a booted system has."""
    nodes = boot.reported["nodes"]
    return {path: nodes[path]["size"] for path in paths if path in nodes}


def lengths(texts: Mapping[str, str]) -> dict[str, int]:
    return {path: len(text) for path, text in texts.items()}


@pytest.fixture(scope="session")
def images(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    """A plain root with multipath-tools; in the folder `ostree` a deployment of that root."""
    return build(wheel, tmp_path_factory.mktemp("deployments"), "deployments", FOLDER / "build.sh")


@pytest.fixture(scope="session")
def composefs_images(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    """In the folder `ostree` a deployment with composefs."""
    return build(wheel, tmp_path_factory.mktemp("composefs"), "composefs", FOLDER / "composefs.sh")


class Deployed(NamedTuple):
    """A machine with a deployment, the kernel arguments of its first boot, and the read-only mount that /usr is on."""

    machine: Machine
    first: str
    image: str


def _deployed(images: DebianRoot, folder: Path, image: str) -> Iterator[Deployed]:
    root = DebianRoot(images.folder / "ostree")
    (first,) = arguments((root.folder / "entry").read_text())
    for machine in shown(Machine(root, folder)):
        yield Deployed(machine, first, image)


@pytest.fixture
def plain(images: DebianRoot, tmp_path: Path) -> Iterator[Deployed]:
    yield from _deployed(images, tmp_path / "plain", "/usr")


@pytest.fixture
def composefs(composefs_images: DebianRoot, tmp_path: Path) -> Iterator[Deployed]:
    yield from _deployed(composefs_images, tmp_path / "composefs", "/")


@pytest.fixture(params=["plain", "composefs"])
def deployed(request: pytest.FixtureRequest) -> Deployed:
    found: Deployed = request.getfixturevalue(request.param)
    return found


def arguments(entries: str) -> list[str]:
    """`provision.firstboot=auto ostree=...` of each entry."""
    found = re.findall(r"^options .*(ostree=\S+)", entries, re.MULTILINE)
    return [f"provision.firstboot=auto {one}" for one in found]


def test_the_first_deployment_is_provisioned_and_the_next_one_is_not(deployed: Deployed, tmp_path: Path) -> None:
    machine, first, image = deployed
    texts = {**TEXTS, "/boot/own": "x"}
    name = {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,deployed"}}
    path = tmp_path / "config.ign"
    config = {
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [name, *files_with(texts)]},
        "passwd": {"users": [USER]},
        "systemd": {"units": [{"name": "update.service", "enabled": True, "contents": UPDATE}]},
    }
    path.write_text(json.dumps(config))
    booted = machine.boot(first, path)
    nodes = booted.reported["nodes"]
    assert booted.reported["failed"] == [""]
    assert sizes(booted, texts) == lengths(texts)
    assert booted.reported["hostname"] == "deployed"
    assert booted.reported["core"] == {"uid": 1200, "home": "/home/core", "shell": "/bin/sh", "hash": HASH}
    key = nodes["/home/core/.ssh/authorized_keys.d/ignition"]
    assert (key["uid"], key["size"]) == (1200, len(KEY) + 1)
    # the record is in what all deployments share
    assert nodes["/var/.provision-complete.json"]["size"]
    assert "/etc/.provision-complete.json" not in nodes
    assert booted.reported["left"] == []
    # the entries of the boot loader after the update, the oldest deployment first
    same, updated_to = arguments(booted.reported["told"])
    again = machine.boot(same, path)
    assert ran(again) == LATER
    assert again.reported["failed"] == [""]
    assert again.reported["nodes"] == nodes
    places = ("/", "/boot", "/etc", "/sysroot", "/usr", "/var")
    assert [booted.reported["mounts"].get(one) for one in places] == [
        again.reported["mounts"].get(one) for one in places
    ]
    assert ("/usr" in again.reported["mounts"]) == (image == "/usr")
    assert again.reported["mounts"][image].startswith("ro,")
    updated = machine.boot(updated_to, path)
    assert ran(updated) == LATER
    assert updated.reported["failed"] == [""]
    assert "/usr/lib/next" in updated.reported["nodes"]
    assert updated.reported["hostname"] == "deployed"
    # what is in /var is the same; what is in /etc was copied
    assert sizes(updated, texts) == lengths(texts)


def test_what_a_deployment_cannot_take_is_refused_before_the_first_change(deployed: Deployed, tmp_path: Path) -> None:
    machine, first, image = deployed
    told = {
        "/lib/own": "/lib/own is on /usr, which is read-only",
        "/data/own": "there is no /data in this deployment",
        "/tmp/own": "/tmp/own is on /sysroot, which is read-only in this deployment of OSTree (sysroot.readonly)",
    }
    if image == "/":
        told["/dev/own"] = "/dev/own is on /, which is read-only in a deployment of OSTree with composefs"
    taken = ("/usr/local/own", "/boot/own", "/etc/own")
    path = tmp_path / "config.ign"
    disk = {"device": "/dev/disk/by-id/virtio-data", "wipeTable": True, "partitions": [{"label": "data"}]}
    storage = {"files": files_with(dict.fromkeys((*told, *taken), "x")), "disks": [disk]}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage}))
    stopped = machine.boot(f"{first} provision.on_failure=poweroff", path)
    assert stopped.report is None, "the boot went on"
    for console in (stopped.console, stopped.second_console):
        shown = " ".join(console.split())
        # a report has twelve rows: of some reasons only the beginning is shown, and others are counted
        assert f"storage.files[0].path: {told['/lib/own']}" in shown
        counted = re.search(r"and (\d) lines? more, in /run/provision/failure", shown)
        assert shown.count("storage.files[") + int(counted[1] if counted else 0) == len(told)
        assert not [one for one in taken if one in shown]
    assert machine.data.read_bytes().count(0) == machine.data.stat().st_size


TRANSIENT = cpio({"etc/ostree/prepare-root.conf": "[composefs]\nenabled = yes\n[root]\ntransient = true\n"})
"""A setting by which / of a deployment with composefs can be written until the machine is off."""


def test_what_a_transient_root_takes_is_gone_at_the_next_boot(composefs: Deployed, tmp_path: Path) -> None:
    """The kernel command line of the first boot has no rw: /etc cannot be written then, although / can."""
    machine, first, _ = composefs
    lost = {"/usr/lib/next": "x", "/data/own": "x"}
    path = tmp_path / "config.ign"
    config = {"ignition": {"version": "3.4.0"}, "storage": {"files": files_with({**TEXTS, **lost})}}
    path.write_text(json.dumps(config))
    booted = machine.boot(f"{first} ro", path, overlay=TRANSIENT)
    assert booted.reported["failed"] == [""]
    assert sizes(booted, (*TEXTS, *lost)) == lengths({**TEXTS, **lost})
    again = machine.boot(first, path, overlay=TRANSIENT)
    assert ran(again) == LATER
    assert again.reported["failed"] == [""]
    assert sizes(again, (*TEXTS, *lost)) == lengths(TEXTS)


TRANSIENT_ETC = cpio({"etc/ostree/prepare-root.conf": "[composefs]\nenabled = yes\n[etc]\ntransient = true\n"})


def test_a_transient_etc_is_warned_of_at_the_first_boot(composefs: Deployed, tmp_path: Path) -> None:
    machine, first, _ = composefs
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": files_with(TEXTS)}}))
    booted = machine.boot(first, path, overlay=TRANSIENT_ETC)
    assert sizes(booted, TEXTS) == lengths(TEXTS)
    warned = "the deployment has a transient /etc"
    assert any(warned in one["message"] for one in booted.reported["journal"])
    for console in (booted.console, booted.second_console):
        assert warned in " ".join(console.split())


def test_without_rw_composefs_is_provisioned_too(composefs: Deployed, tmp_path: Path) -> None:
    machine, first, _ = composefs
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": files_with(TEXTS)}}))
    booted = machine.boot(f"{first} ro", path)
    assert booted.reported["failed"] == [""]
    assert sizes(booted, TEXTS) == lengths(TEXTS)


CUTS = ("disks: make ", "files: set the password hash of core", "Stage: umount")
"""Messages of the journal, which the console shows, at which qemu is killed."""


def test_with_a_file_system_for_var_the_next_boot_goes_on_after_power_cuts(plain: Deployed, tmp_path: Path) -> None:
    machine, first, _ = plain
    disk = {"device": "/dev/disk/by-id/virtio-data", "wipeTable": True, "partitions": [{"label": "var"}]}
    device = "/dev/disk/by-partlabel/var"
    path = tmp_path / "config.ign"
    config = {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "disks": [disk],
            "filesystems": [{"device": device, "format": "ext4", "path": "/var"}],
            "files": files_with(TEXTS),
        },
        "passwd": {"users": [USER]},
        "systemd": {"units": [mount_unit("var", "/var", "ext4")]},
    }
    path.write_text(json.dumps(config))
    for text in CUTS:
        with machine.running(f"{first} systemd.journald.forward_to_console=yes", path) as boot:
            boot.wait_for(text)
    booted = machine.boot(first, path)
    nodes = booted.reported["nodes"]
    assert ran(booted)[-1] == "record"
    assert booted.reported["failed"] == [""]
    assert sizes(booted, TEXTS) == lengths(TEXTS)
    assert booted.reported["core"]["uid"] == 1200
    # the record is in the directory that is /var of the deployments without this file system
    assert "/var/.provision-complete.json" not in nodes
    again = machine.boot(first, path)
    assert ran(again) == LATER
    assert again.reported["failed"] == [""]
    assert again.reported["nodes"] == nodes
    assert again.reported["mounts"]["/var"] == booted.reported["mounts"]["/var"]


class TwoPaths(Machine):
    """A machine whose root is one SCSI disk on two controllers."""

    def _qemu(self, config: Path, consoles: tuple[Path, Path], report: Path) -> list[str]:
        argv = super()._qemu(config, consoles, report)
        plain = options.drive("root", str(self.root), "qcow2")
        at = next(number for number in range(len(argv)) if argv[number : number + len(plain)] == plain)
        image = f"driver=qcow2,node-name=root,file.driver=file,file.filename={self.root}"
        paths = [
            word
            for one in ("a", "b")
            for word in (
                *("-device", f"virtio-scsi-pci,id={one}"),
                *("-device", f"scsi-hd,bus={one}.0,drive=root,share-rw=on,serial=root,wwn=0x5000c50000000001"),
            )
        ]
        return [*argv[:at], "-blockdev", image, *paths, *argv[at + len(plain) :]]


@pytest.fixture(scope="session")
def older_images(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    """A plain root of Debian 12 with multipath-tools."""
    return build(wheel, tmp_path_factory.mktemp("two-paths"), "two-paths", FOLDER / "build.sh")


@pytest.fixture(params=["images", "older_images"], ids=["debian-13", "debian-12"])
def two_paths(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    yield from shown(TwoPaths(request.getfixturevalue(request.param), tmp_path / "machine"))


TELLING = """\
[Unit]
Before=probe.service
[Service]
Type=oneshot
ExecStart=sh -c 'findmnt --noheadings --output SOURCE / >/etc/told; dmsetup table --target multipath >>/etc/told'
[Install]
WantedBy=multi-user.target
"""


def test_a_root_with_two_paths_is_provisioned_on_the_multipath_device(two_paths: Machine, tmp_path: Path) -> None:
    files = [{"path": "/opt/payload", "contents": {"source": "data:,x"}}]
    units = [{"name": "telling.service", "enabled": True, "contents": TELLING}]
    path = tmp_path / "config.ign"
    config: dict[str, Any] = {"storage": {"files": files}, "systemd": {"units": units}}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, **config}))
    first, second = (two_paths.boot("provision.firstboot=auto", path) for _ in range(2))
    for boot in (first, second):
        source, table = boot.reported["told"].split("\n", 1)
        assert source == "/dev/mapper/35000c50000000001"  # by its WWN
        assert len(re.findall(r"\b8:[0-9]+\b", table)) == 2, table
        assert boot.reported["failed"] == [""]
        assert boot.reported["nodes"]["/opt/payload"]["size"] == 1
    assert ran(first)[-1] == "record"
    assert ran(second) == LATER
