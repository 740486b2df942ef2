"""The config that a virtual machine gets: the author's config, untouched, and one with what `provision try` needs."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

VERSION = "3.0.0"
"""The version of our part; configs of several versions 3.x can be merged."""

PORT = "provision.try"
"""The name of the port to which the machine writes how its boot has ended."""

END = "."
"""The last line of that."""

EMERGENCY = "emergency"
"""The state of a machine that has stopped in emergency mode, where systemd cannot tell it yet."""

FAILED = f"systemctl --failed --plain --no-legend; echo {END}"

DROP_IN = "50-provision-try.conf"

REPORT = f"""\
[Unit]
Description=Tell provision try how the boot has ended
After=multi-user.target
ConditionPathExists=/dev/virtio-ports/{PORT}

[Service]
Type=exec
ExecStart=/bin/sh -c '{{ systemctl is-system-running --wait; {FAILED}; }} >/dev/virtio-ports/{PORT}'

[Install]
WantedBy=multi-user.target
"""
"""A job that waits for all jobs may be no job itself, so the unit counts as started at once (Type=exec)."""

STOPPED = f"""\
[Service]
ExecStartPre=-/bin/sh -c '{{ echo {EMERGENCY}; {FAILED}; }} >/dev/virtio-ports/{PORT}'
"""
"""For the service that starts if a file system cannot be mounted: without it nobody would learn that the boot ended."""

LOGIN = """\
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200,57600,38400,9600 - $TERM
"""
"""Source: systemd-getty-generator(8), its example of an automatic login."""


def whole_config(config: bytes, ssh_key: str) -> str:
    """A config (JSON) that merges the given one and ours: a unit that reports, a login on the console, a key for root.

    `config` is JSON of a version 3.x; `ssh_key` is a public key, or empty.
    """
    parts = [config, json.dumps(_ours(ssh_key)).encode()]
    sources = [{"source": f"data:;base64,{b64encode(part).decode()}"} for part in parts]
    return json.dumps({"ignition": {"version": VERSION, "config": {"merge": sources}}})


def _ours(ssh_key: str) -> dict[str, Any]:
    login = {"name": "serial-getty@ttyS0.service", "dropins": [{"name": DROP_IN, "contents": LOGIN}]}
    stopped = {"name": "emergency.service", "dropins": [{"name": DROP_IN, "contents": STOPPED}]}
    report = {"name": "provision-try.service", "enabled": True, "contents": REPORT}
    ours: dict[str, Any] = {"ignition": {"version": VERSION}, "systemd": {"units": [report, login, stopped]}}
    if ssh_key:
        ours["passwd"] = {"users": [{"name": "root", "sshAuthorizedKeys": [ssh_key]}]}
    return ours
