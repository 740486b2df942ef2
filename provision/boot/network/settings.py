"""Settings with which the network of the initramfs was made: `provision.network=propagate` gives them to the root.

They keep the form of the program that uses them, so it has to be the program of the root too. dracut's network-legacy
and initramfs-tools leave nothing that systemd-networkd or NetworkManager would read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Literal

from provision.engine.preflight import Step
from provision.failures import ActionFailed
from provision.fetch.running_system import RunningSystem
from provision.kernel_command_line import arguments
from provision.planning.machine_view import MachineView
from provision.planning.root.target_paths import resolve_path
from provision.stages.files.units import presets_are_over

FOLDERS = ("/run/systemd/network", "/run/NetworkManager/system-connections")
"""Where the initramfs has settings; the root has them in the same folder of /etc.

The first one has what systemd-network-generator(8) makes of the kernel command line and of credentials, and what the
platform describes; the second one has what nm-initrd-generator(8) makes.
"""

ENDINGS = (".link", ".netdev", ".network", ".nmconnection")

_LOOPBACK, _DEFAULT = "lo.nmconnection", "default_connection.nmconnection"


def found_settings(running_system: RunningSystem) -> dict[str, str]:
    """Path in the root -> text, of all settings that the root may get. Raises FetchFailed for an unreadable file.

    Two files of NetworkManager are left out, as on Fedora CoreOS (coreos-teardown-initramfs.sh): the loopback's, and
    the connection by DHCP that is made if the kernel command line says nothing of addresses.
    """
    left_out = {_LOOPBACK} if _are_given(running_system) else {_LOOPBACK, _DEFAULT}
    return {
        f"{folder}/{name}".replace("/run/", "/etc/", 1): running_system.read_text(f"{folder}/{name}")
        for folder in FOLDERS
        for name in running_system.names(folder)
        if name.endswith(ENDINGS) and name not in left_out
    }


def remarks(
    running_system: RunningSystem, steps: Iterable[Step], root: MachineView
) -> Iterator[tuple[Literal["info", "warning"], str]]:
    """What to log, after these steps of the files stage, of settings that the root has not got, or does not use."""
    settings = root.boot_state().network_settings
    planned = {path for step in steps for path in step.action.touches()}
    written = [path for path in settings if resolve_path(root, path) in planned]
    if not settings:
        level: Literal["info", "warning"] = "warning" if _are_given(running_system) else "info"
        yield level, f"{_HEAD} systemd-networkd and NetworkManager have no settings in this initramfs"
    elif not written:
        yield "info", f"{_HEAD} nothing is written, because the config or the root has settings of a network"
    for service, ending in (("systemd-networkd.service", ".network"), ("NetworkManager.service", ".nmconnection")):
        used = [path for path in written if path.endswith(ending)]
        if used and not _starts(service, root):
            yield "warning", f"{_HEAD} {used[0]} is written, but the root does not start {service}, which reads it"


def forget_settings(running_system: RunningSystem) -> None:
    """Remove all settings from /run: programs of the root would use them until the next boot, even before their own."""
    for folder in FOLDERS:
        for name in running_system.names(folder):
            with suppress(OSError):
                os.unlink(running_system.path(f"{folder}/{name}"))


def _are_given(running_system: RunningSystem) -> bool:
    """Whether the kernel command line has settings; else there is DHCP, or what the platform describes."""
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    return bool({name for name, _ in arguments(command_line)} & {"ip", "nameserver", "rd.route"})


def _starts(service: str, root: MachineView) -> bool:
    """Whether the root starts a service, as far as it is known: presets may enable it when the root starts."""
    with suppress(ActionFailed):
        return root.enabled(service) or not presets_are_over(root)
    return True


_HEAD = "provision.network=propagate:"
