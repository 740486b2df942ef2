"""Ends the network that a first boot started in the initramfs, so that the real root configures its own.

Otherwise addresses and routes of the initramfs stay, which nobody renews, and which the config may want otherwise.
"""

from __future__ import annotations

import os

from provision.boot.run_files import NEED_NETWORK
from provision.kernel_command_line import keeps_network, propagates_network, root_is_on_network
from provision.system.running_system.local_system import LocalSystem

SERVICES = ("systemd-networkd.socket", "systemd-networkd.service", "provision-resolve.path", "nm-initrd.service")


def end_network(running_system: LocalSystem, *, stop_services: bool) -> None:
    """Take all links of the initramfs down, if the engine has asked for the network; `stop_services` before that.

    Then no settings stay in /run, and with `provision.network=propagate` none in any case. Nothing is done where the
    root file system may need the network, or with `provision.network=keep`. A link that cannot be taken down stays as
    it is, with a message.
    """
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    was_started = os.path.exists(NEED_NETWORK)
    if is_kept(command_line) or not (was_started or propagates_network(command_line)):
        return
    from provision.boot.network.settings import forget_settings

    if was_started:
        _take_down(stop_services=stop_services)
    forget_settings(running_system)


def _take_down(*, stop_services: bool) -> None:
    from provision.system.network import links
    from provision.system.programs import processes

    if stop_services and os.path.isdir("/run/systemd/system"):
        processes.run(["systemctl", "stop", *SERVICES])
    for name in links.names():
        try:
            links.take_down(name)
        except OSError as error:
            print(f"the network link {name} stays up: {error.strerror}")


def is_kept(command_line: str) -> bool:
    """Whether the kernel command line asks for the network in the real root, or the root file system may need it."""
    return keeps_network(command_line) or root_is_on_network(command_line)
