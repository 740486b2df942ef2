"""Variables in the URL of a config: `${uuid}` becomes the UUID of this machine, so that one URL serves many machines.

Names and values are those of iPXE's settings and of Talos' `talos.config`; `mac-hyp` is the form that PXELINUX and
matchbox use.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from provision.failures import FetchFailed
from provision.fetch.running_system import RunningSystem
from provision.kernel_command_line import last_value

DMI = "/sys/class/dmi/id/"
INTERFACES = "/sys/class/net/"
VARIABLE = re.compile(r"\$\{([^}]*)\}")


def expanded(url: str, running_system: RunningSystem) -> str:
    """The URL with the values of its variables. Raises FetchFailed for one that is unknown or has no value here."""

    def value(found: re.Match[str]) -> str:
        from urllib.parse import quote

        name = found[1]
        if name not in VARIABLES:
            known = ", ".join(f"${{{one}}}" for one in VARIABLES)
            raise FetchFailed("cmdline", f"ignition.config.url: ${{{name}}} is unknown", hint=f"write one of {known}")
        text = VARIABLES[name](running_system)
        if not text:
            raise FetchFailed("cmdline", f"ignition.config.url: this machine has no value for ${{{name}}}")
        return quote(text, safe=":")

    return VARIABLE.sub(value, url)


def _uuid(running_system: RunningSystem) -> str:
    return running_system.read_text(f"{DMI}product_uuid").strip().lower()


def _serial(running_system: RunningSystem) -> str:
    return running_system.read_text(f"{DMI}product_serial").strip()


def mac_address(running_system: RunningSystem) -> str:
    """The MAC address of the interface that the machine was booted from, else of the first Ethernet interface.

    PXELINUX, GRUB and iPXE scripts give it as BOOTIF=01-52-54-00-12-34-56, where 01 is the type Ethernet. Of several
    interfaces the one with the lowest index that has a carrier counts.
    """
    booted = last_value(_command_line(running_system), "BOOTIF") or ""
    if re.fullmatch(r"01(-[0-9A-Fa-f]{2}){6}", booted):
        return booted[3:].replace("-", ":").lower()
    devices = [name for name in running_system.names(INTERFACES) if running_system.names(f"{INTERFACES}{name}/device")]
    found = sorted((not _has_carrier(running_system, name), _index(running_system, name), name) for name in devices)
    return running_system.read_text(f"{INTERFACES}{found[0][2]}/address").strip() if found else ""


def _has_carrier(running_system: RunningSystem, name: str) -> bool:
    try:
        return running_system.read_text(f"{INTERFACES}{name}/carrier").strip() == "1"
    except FetchFailed:  # the kernel gives EINVAL for an interface that is down
        return False


def _index(running_system: RunningSystem, name: str) -> int:
    text = running_system.read_text(f"{INTERFACES}{name}/ifindex").strip()
    return int(text) if text.isdecimal() else 1 << 31


def _hostname(running_system: RunningSystem) -> str:
    named = last_value(_command_line(running_system), "systemd.hostname") or ""
    own = running_system.read_text("/proc/sys/kernel/hostname").strip()
    return named or ("" if own in {"(none)", "localhost"} else own)


def _command_line(running_system: RunningSystem) -> str:
    return running_system.read_text(running_system.paths.kernel_cmdline_path)


VARIABLES: Mapping[str, Callable[[RunningSystem], str]] = {
    "uuid": _uuid,
    "serial": _serial,
    "mac": mac_address,
    "mac-hyp": lambda running_system: mac_address(running_system).replace(":", "-"),
    "hostname": _hostname,
    "arch": lambda _running_system: os.uname().machine,
}
"""Variable -> its value on a machine; empty if the machine has none."""
