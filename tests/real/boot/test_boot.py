"""A real machine: provisioned at its first boot, left alone at its second, and provisioned after an interruption."""

from __future__ import annotations

import hashlib
import json
import os
import random
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.boot.machine import Boot, Images, Machine, cpio
from tests.real.boot.server import Server, serving

pytestmark = [
    pytest.mark.boot,
    pytest.mark.xdist_group("boot"),
    pytest.mark.skipif(os.geteuid() != 0, reason="building a machine's root needs root"),
]

PAYLOAD = random.Random(0).randbytes(8 << 20)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpasLtGk2cJRgz1pMmqPNYvAtq5wE1fQ2n6hG8k0ooY core@example"
HASH = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC"
OTHER = "4c4c4544-0042-3510-8053-b4c04f4d5332"
STEPS = ["look", "fetch-offline", "network", "kargs", "disks", "mount", "files", "umount", "record"]


def mount_unit(partition: str, where: str, kind: str) -> dict[str, Any]:
    text = f"[Mount]\nWhat=/dev/disk/by-partlabel/{partition}\nWhere={where}\nType={kind}\n"
    name = where.strip("/").replace("/", "-") + ".mount"
    return {"name": name, "enabled": True, "contents": f"{text}[Install]\nRequiredBy=local-fs.target\n"}


def config(url: str) -> dict[str, Any]:
    disk = "/dev/disk/by-id/virtio-data"
    return {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "disks": [
                {
                    "device": disk,
                    "wipeTable": True,
                    "partitions": [{"number": 1, "label": "data", "sizeMiB": 256}, {"number": 2, "label": "logs"}],
                }
            ],
            "filesystems": [
                {"device": "/dev/disk/by-partlabel/data", "format": "ext4", "label": "data", "path": "/srv/data"},
                {"device": "/dev/disk/by-partlabel/logs", "format": "xfs", "label": "logs", "path": "/var/log/app"},
            ],
            "files": [
                {"path": "/etc/hostname", "overwrite": True, "mode": 0o644, "contents": {"source": "data:,node-7"}},
                {"path": "/etc/motd.d/provision", "mode": 0o600, "contents": {"source": "data:,welcome%0A"}},
                {"path": "/srv/data/hello", "mode": 0o644, "contents": {"source": "data:,on%20ext4"}},
                {"path": "/var/log/app/hello", "mode": 0o644, "contents": {"source": "data:,on%20xfs"}},
                {
                    "path": "/opt/payload",
                    "mode": 0o644,
                    "contents": {
                        "source": url,
                        "verification": {"hash": "sha512-" + hashlib.sha512(PAYLOAD).hexdigest()},
                    },
                },
            ],
        },
        "passwd": {
            "groups": [{"name": "operators", "gid": 1500}],
            "users": [
                {
                    "name": "core",
                    "uid": 1200,
                    "groups": ["operators"],
                    "shell": "/bin/sh",
                    "passwordHash": HASH,
                    "sshAuthorizedKeys": [KEY],
                }
            ],
        },
        "systemd": {
            "units": [
                {
                    "name": "hello.service",
                    "enabled": True,
                    "contents": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
                    "[Install]\nWantedBy=multi-user.target\n",
                    "dropins": [{"name": "10-greeting.conf", "contents": "[Service]\nEnvironment=GREETING=hi\n"}],
                },
                mount_unit("data", "/srv/data", "ext4"),
                mount_unit("logs", "/var/log/app", "xfs"),
            ]
        },
    }


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(PAYLOAD) as running:
        yield running


@pytest.fixture
def machine(images: Images, tmp_path: Path) -> Machine:
    return Machine(images, tmp_path / "machine")


@pytest.fixture
def config_file(server: Server, tmp_path: Path) -> Path:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(config(server.url)))
    return path


def ran(boot: Boot) -> list[str]:
    """Our units that were carried out in a boot, in order."""
    finished = [one["unit"] for one in boot.reported["journal"] if one["message"].startswith("Finished provision-")]
    return [unit.removeprefix("provision-").removesuffix(".service") for unit in finished]


def check_provisioned(report: dict[str, Any]) -> None:
    """Check everything that the config asks for in the report of the booted machine."""
    nodes = report["nodes"]
    assert report["hostname"] == "node-7"
    assert nodes["/opt/payload"]["sha512"] == hashlib.sha512(PAYLOAD).hexdigest()
    assert stat.S_IMODE(nodes["/etc/motd.d/provision"]["mode"]) == 0o600
    assert nodes["/srv/data/hello"]["size"] == len("on ext4")
    assert nodes["/var/log/app/hello"]["size"] == len("on xfs")
    parts = {one["partlabel"]: one for disk in report["devices"]["blockdevices"] for one in disk.get("children", [])}
    assert (parts["data"]["fstype"], parts["data"]["label"], parts["data"]["mountpoint"]) == (
        "ext4",
        "data",
        "/srv/data",
    )
    assert (parts["logs"]["fstype"], parts["logs"]["label"], parts["logs"]["mountpoint"]) == (
        "xfs",
        "logs",
        "/var/log/app",
    )
    assert parts["data"]["size"] == 256 << 20
    assert report["core"] == {"uid": 1200, "home": "/home/core", "shell": "/bin/sh", "hash": HASH}
    assert "operators" in report["groups"]
    key = nodes["/home/core/.ssh/authorized_keys.d/ignition"]
    assert (stat.S_IMODE(key["mode"]), key["uid"], key["size"]) == (0o600, 1200, len(KEY) + 1)
    assert report["hello"]["ActiveState"] == "active"
    assert report["hello"]["UnitFileState"] == "enabled"
    assert "GREETING=hi" in report["hello"]["Environment"]
    assert nodes["/etc/.provision-complete.json"]["size"]
    assert nodes["/etc/.ignition-result.json"]["size"]
    assert report["failed"] == [""]
    assert report["left"] == []


def test_first_boot_provisions_and_the_second_leaves_all_as_it_is(
    machine: Machine, config_file: Path, server: Server
) -> None:
    first = machine.boot("provision.firstboot=auto", config_file)
    print(f"\nfirst boot: {first}")
    check_provisioned(first.reported)
    assert [unit for unit in ran(first) if unit != "resolve"] == STEPS
    asked = server.asked

    second = machine.boot("provision.firstboot=auto", config_file)
    print(f"\nsecond boot: {second}")
    assert ran(second) == ["look"]
    assert server.asked == asked
    assert second.reported["nodes"] == first.reported["nodes"]
    assert second.reported["devices"] == first.reported["devices"]
    assert second.reported["core"] == first.reported["core"]

    copied = machine.boot("provision.firstboot=auto", config_file, uuid=OTHER)
    assert copied.report is None, "a machine with the record of another one must not come up"
    for console in (copied.console, copied.second_console):
        assert "the root file system has the record of another machine" in console
        assert "provision.firstboot.record=ignore" in console
    assert server.asked == asked


def test_a_machine_whose_files_stage_is_killed_is_provisioned_by_its_next_boot(
    machine: Machine, config_file: Path, server: Server
) -> None:
    killed = "[Service]\nTimeoutStartSec=10\nTimeoutStopSec=1\nKillSignal=SIGKILL\n"
    drop_in = {"usr/lib/systemd/system/provision-files.service.d/killed.conf": killed}
    asked = server.asked
    server.open.clear()
    first = machine.boot("provision.firstboot=auto", config_file, overlay=cpio(drop_in))
    assert server.asked > asked, "it was not killed while it fetched"
    assert first.report is None, "a machine that is half provisioned must not come up"
    for console in (first.console, first.second_console):
        assert console.count("The first boot stopped: provision-files.service failed (timeout)\nIt said last:\n") == 1
        assert f"GET {server.url}: attempt #1\n" in console
    assert f"ignition: waiting for {server.url} for 5 s (without limit): " in first.console

    server.open.set()
    second = machine.boot("provision.firstboot=auto", config_file)
    check_provisioned(second.reported)


def test_kernel_arguments_are_set_by_the_helper_and_the_next_boot_goes_on(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "config.ign"
    arguments = {"shouldExist": ["nosmt", "console=ttyS0"], "shouldNotExist": ["quiet"]}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "kernelArguments": arguments}))
    first = machine.boot("provision.firstboot=auto", path)
    assert first.report is None, "it did not reboot"
    second = machine.boot("provision.firstboot=auto", path)
    assert second.reported["entry"].splitlines()[-1] == "options root=LABEL=root nosmt console=ttyS0"
    assert second.reported["nodes"]["/etc/.provision-complete.json"]["size"]
    assert second.reported["failed"] == [""]


def test_without_its_kernel_argument_nothing_runs(machine: Machine, config_file: Path) -> None:
    later = machine.boot("", config_file)
    assert ran(later) == []
    assert later.reported["core"] == {}
