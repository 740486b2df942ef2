"""Whether a boot is the first one, as far as the kernel command line and the record of completion tell.

Two ways, of which a machine uses one (docs/decisions/0007-first-boot.md):

- the boot loader says so: `ignition.firstboot`, which GRUB adds while a stamp file lies on the boot partition;
- `provision.firstboot=auto`, always there: the root file system's RECORD decides, looked for read-only.
"""

from __future__ import annotations

import re
from enum import Enum

from provision.device_names import link
from provision.failures import Failure

RECORD = "/etc/.provision-complete.json"
"""Where the record of completion lies in the root file system: beside the result file, and not in /var, which is
often a file system of its own."""

WAIT = 30.0
"""Seconds in which the root device has to come, unless `provision.firstboot.wait=` says otherwise."""

_OFF = frozenset({"", "0", "no", "off"})
_BY = {"LABEL": "by-label", "UUID": "by-uuid", "PARTLABEL": "by-partlabel", "PARTUUID": "by-partuuid"}


class Verdict(Enum):
    """What the kernel command line alone says."""

    FIRST = "first"
    LATER = "later"
    LOOK = "look"


def verdict(command_line: str) -> Verdict:
    """What the kernel command line says. Raises Failure for a value of `provision.firstboot` that is not known."""
    # the reference engine's generator takes a bare word for true
    stamp = _last(command_line, "ignition.firstboot", bare="1")
    if stamp is not None and stamp not in _OFF:
        return Verdict.FIRST
    mode = _last(command_line, "provision.firstboot")
    if mode not in {None, "auto", "no"}:
        raise Failure(
            f"kernel command line: provision.firstboot={mode} is unknown", hint="write provision.firstboot=auto, or no"
        )
    return Verdict.LOOK if mode == "auto" else Verdict.LATER


def platform(command_line: str) -> str:
    """The platform that the kernel command line names. Raises Failure if it names none."""
    name = _last(command_line, "ignition.platform.id") or _last(command_line, "flatcar.oem.id")
    if not name:
        raise Failure("kernel command line: no platform", hint="add ignition.platform.id=metal, or the cloud's name")
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise Failure(f"kernel command line: {name!r} is not the name of a platform")
    return name


def root_device(command_line: str) -> str:
    """The device of the root file system, as a name below /dev. Raises Failure.

    Source: systemd-fstab-generator(8), dracut.cmdline(7); without `root=`, systemd-gpt-auto-generator(8).
    """
    root = (_last(command_line, "root") or "gpt-auto").removeprefix("block:")
    kind, equals, value = root.partition("=")
    if root == "gpt-auto":
        return "/dev/gpt-auto-root"
    if equals and kind in _BY:
        return link(_BY[kind], value)
    if root.startswith("/dev/"):
        return root
    raise Failure(
        f"kernel command line: root={root} is no block device, so it holds no record",
        hint="let the boot loader say ignition.firstboot instead of provision.firstboot=auto",
    )


def record_paths(command_line: str) -> tuple[str, ...]:
    """Where the record may lie on the root device: with `rootflags=subvol=` in that subvolume."""
    flags = (_last(command_line, "rootflags") or "").split(",")
    volumes = [flag.removeprefix("subvol=") for flag in flags if flag.startswith("subvol=")]
    return (*(f"/{volume.strip('/')}{RECORD}" for volume in volumes), RECORD)


def wait_seconds(command_line: str) -> float:
    """How long to wait for the root device. Raises Failure."""
    text = _last(command_line, "provision.firstboot.wait")
    try:
        return float(text) if text else WAIT
    except ValueError:
        raise Failure(f"kernel command line: provision.firstboot.wait={text} is no number of seconds") from None


def resolv_conf(state: str) -> str:
    """What resolv.conf(5) has to say, from the state file of systemd-networkd (sd-network.h); empty for no servers."""
    fields = dict(line.partition("=")[::2] for line in state.splitlines())
    servers = [f"nameserver {server}" for server in fields.get("DNS", "").split()]
    domains = [f"search {fields['DOMAINS']}"] if servers and fields.get("DOMAINS") else []
    return "".join(f"{line}\n" for line in (*servers, *domains))


def _last(command_line: str, name: str, bare: str = "") -> str | None:
    """The value of an argument, the last one if there are several; `bare` for the word alone, None without it."""
    found = None
    for word in command_line.split():
        key, equals, value = word.partition("=")
        if key == name:
            found = value.strip('"') if equals else bare
    return found
