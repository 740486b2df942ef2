"""Runs in the guest after multi-user.target: writes its findings to the test's port, as one line of JSON."""

from __future__ import annotations

import hashlib
import json
import pwd
import socket
import subprocess
from pathlib import Path
from typing import Any

SWITCH = "Switching root."
PORT = "/dev/virtio-ports/test.report"
FOLDERS = (
    "/etc/NetworkManager/system-connections",
    "/etc/systemd/network",
    "/etc/systemd/system",
    "/home/core",
    "/srv/data",
    "/srv/mirror",
    "/srv/secret",
    "/var/log/app",
)
FILES = (
    "/boot/own",
    "/data/own",
    "/etc/hostname",
    "/etc/motd.d/provision",
    "/etc/name",
    "/etc/.provision-complete.json",
    "/etc/.ignition-result.json",
    "/opt/payload",
    "/opt/moved",
    "/usr/lib/next",
    "/var/.provision-complete.json",
)


LEFT = ("/run/ignition.json", "/run/ignition/state", "/run/provision/blobs")
"""What may hold secrets, and nobody needs any more."""


def node(path: Path) -> dict[str, Any]:
    """The properties of a file that the test compares: all that a second run would change."""
    found = path.lstat()
    known: dict[str, Any] = {
        "mode": found.st_mode,
        "uid": found.st_uid,
        "gid": found.st_gid,
        "changed": found.st_ctime_ns,
    }
    if path.is_symlink():
        known["target"] = str(path.readlink())
    elif path.is_file():
        known["sha512"] = hashlib.sha512(path.read_bytes()).hexdigest()
        known["size"] = found.st_size
    return known


def content(path: str) -> str:
    """The text of a file; empty if there is none."""
    return Path(path).read_text() if Path(path).exists() else ""


def output(*argv: str) -> str:
    """What a program prints."""
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False).stdout


def shown(unit: str, *properties: str) -> dict[str, str]:
    """Properties of a unit."""
    lines = output("systemctl", "show", unit, *(f"--property={name}" for name in properties)).splitlines()
    return dict(line.split("=", 1) for line in lines)


def text(message: str | list[int] | None) -> str:
    """A message of the journal as text; journalctl gives one that is not plain text as a list of bytes."""
    return bytes(message).decode(errors="replace") if isinstance(message, list) else message or ""


def messages() -> list[dict[str, Any]]:
    """The journal of this boot: messages of our units, and of systemd about them."""
    entries = (json.loads(line) for line in output("journalctl", "--boot", "--output=json", "--all").splitlines())
    ours = ("provision-", "systemd-networkd")
    return [
        {
            "time": int(entry["__MONOTONIC_TIMESTAMP"]) / 1e6,
            "unit": entry.get("UNIT") or entry.get("_SYSTEMD_UNIT", ""),
            "message": text(entry["MESSAGE"]),
            "id": entry.get("MESSAGE_ID", ""),
        }
        for entry in entries
        if str(entry.get("UNIT") or entry.get("_SYSTEMD_UNIT", "")).startswith(ours)
        or entry.get("SYSLOG_IDENTIFIER") == "ignition"
        or entry["MESSAGE"] == SWITCH
    ]


def account(name: str) -> dict[str, Any]:
    """A user with the password field of shadow."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return {}
    shadow = next(line for line in Path("/etc/shadow").read_text().splitlines() if line.startswith(f"{name}:"))
    return {"uid": entry.pw_uid, "home": entry.pw_dir, "shell": entry.pw_shell, "hash": shadow.split(":")[1]}


def report() -> dict[str, Any]:
    """All findings, by name."""
    files = [Path(file) for file in FILES]
    files += [path for folder in FOLDERS for path in sorted(Path(folder).rglob("*"))]
    return {
        "hostname": socket.gethostname(),
        "nodes": {str(path): node(path) for path in files if path.exists() or path.is_symlink()},
        "devices": json.loads(
            output("lsblk", "--json", "--bytes", "--output=NAME,FSTYPE,LABEL,PARTLABEL,UUID,SIZE,FSSIZE,MOUNTPOINT")
        ),
        "core": account("core"),
        "mounts": {line.split()[4]: line.split()[5] for line in content("/proc/self/mountinfo").splitlines()},
        "entry": content("/boot/loader/entries/linux.conf"),
        "arguments": Path("/proc/cmdline").read_text().split(),
        "grub": content("/etc/default/grub"),
        "told": content("/etc/told"),
        "left": [str(path) for one in LEFT for path in (Path(one), *Path(one).glob("*")) if path.is_file()],
        "groups": output("id", "-nG", "core").split(),
        "hello": shown("hello.service", "ActiveState", "UnitFileState", "Environment"),
        "failed": output("systemctl", "--failed", "--plain", "--no-legend").split("\n"),
        "journal": messages(),
        "uptime": float(Path("/proc/uptime").read_text().split()[0]),
    }


if __name__ == "__main__":
    Path(PORT).write_text(json.dumps(report()) + "\n")
