"""The config that guests get, and the check of what they make of it."""

from __future__ import annotations

import hashlib
import json
import random
import stat
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from tests.real.boot.machine import Boot
from tests.real.boot.server import Server

PAYLOAD = random.Random(0).randbytes(8 << 20)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpasLtGk2cJRgz1pMmqPNYvAtq5wE1fQ2n6hG8k0ooY core@example"
HASH = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC"


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


MOVED = random.Random(1).randbytes(16 << 10)
"""The contents of a file that does not fit into the first part of a packed config."""


def packed(config: dict[str, Any], server: Server, folder: Path) -> Path:
    """The first part of what `transpile pack` makes of the config and MOVED; the server has the second part."""
    whole, first, second = (folder / name for name in ("whole.ign", "config.ign", "second.ign"))
    contents = {"source": f"data:;base64,{b64encode(MOVED).decode()}"}
    config["storage"]["files"].append({"path": "/opt/moved", "mode": 0o644, "contents": contents})
    whole.write_text(json.dumps(config))
    where = ["--url", server.url_of("/second.ign"), "--second", str(second), "--output", str(first)]
    command = [sys.executable, "-m", "transpiler", "pack", "--limit", "16K", *where, str(whole)]
    subprocess.run(command, check=True, capture_output=True)
    assert first.stat().st_size <= 16 << 10 < whole.stat().st_size
    assert b"/opt/moved" not in first.read_bytes()
    server.files["/second.ign"] = second.read_bytes()
    return first


UNWANTED = "provision.test=unwanted"
"""A kernel argument that the boot loader has and the config does not want."""


def with_grub_and_tpm(config: dict[str, Any]) -> dict[str, Any]:
    """The config with kernel arguments, and a file system on a volume whose key only the TPM gives."""
    storage, partition = config["storage"], {"number": 3, "label": "secret", "sizeMiB": 64}
    storage["disks"][0]["partitions"][1]["sizeMiB"] = 512
    storage["disks"][0]["partitions"].append(partition)
    quick = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
    device = "/dev/disk/by-partlabel/secret"
    storage["luks"] = [{"name": "secret", "device": device, "clevis": {"tpm2": True}, "options": quick}]
    storage["filesystems"].append({"device": "/dev/mapper/secret", "format": "ext4", "path": "/srv/secret"})
    contents = {"source": "data:,of%20the%20TPM"}
    storage["files"].append({"path": "/srv/secret/hello", "mode": 0o600, "contents": contents})
    unit = mount_unit("secret", "/srv/secret", "ext4")
    unit["contents"] = unit["contents"].replace(device, "/dev/mapper/secret")
    config["systemd"]["units"].append(unit)
    return config | {"kernelArguments": {"shouldExist": ["nosmt"], "shouldNotExist": [UNWANTED]}}


IDS = {"57124006b5c94805b77ce473e92a8aeb", "225067b87bbd4a0cb6ab151f82fa364b"}
"""By these message ids programs of Fedora CoreOS find which configs were used, and who got keys."""

LATER = ["look"]
"""Our units of a later boot with `provision.firstboot=auto`, where no unit is linked to a target of later boots."""


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


def check_unchanged(first: Boot, second: Boot, later: list[str] = LATER) -> None:
    """Check that a second boot changed nothing of what the first one made, and ran only these units of ours."""
    assert ran(second) == later
    for key in ("nodes", "devices", "core", "hostname", "failed"):
        assert second.reported[key] == first.reported[key], key


def unusable(folder: Path) -> Path:
    """A config that stops a boot which uses it."""
    path = folder / "unusable.ign"
    path.write_text("{}")
    return path


def sources(boot: Boot) -> set[str]:
    """Where the user's config came from, as the journal says."""
    told = [one["message"].partition("fetched user config from ")[2] for one in boot.reported["journal"]]
    return {text.strip('"') for text in told if text}
