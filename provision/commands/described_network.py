"""Configures the network of an initramfs without systemd as the platform describes it on its config drive."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from provision.boot.run_files import RUN_DIR
from provision.commands.metadata import ask_platform
from provision.failures import Failure, as_failure
from provision.fetch.http.network import LinkEvents
from provision.fetch.retry import Deadline
from provision.fetch.stop_event import StopEvent
from provision.log import FieldLog
from provision.metadata.network.interfaces import Network
from provision.metadata.network.links import AssignedNetwork, LinkSettings, assigned, link_name
from provision.system.network import links, rtnetlink
from provision.system.private_files import write_private
from provision.system.running_system.local_system import LocalSystem

NAME_SERVERS = f"{RUN_DIR}/resolv.conf"
"""Lines for resolv.conf(5). The script that starts this program adds those of DHCP."""

NO_YAML = Failure(
    "it is not JSON, and this initramfs cannot read YAML",
    hint="install PyYAML (Debian: python3-yaml) and build the initramfs again, or write the description as JSON",
)

DRIVE_SECONDS = 30.0
"""How long the platform's description is waited for."""

LINK_SECONDS = 10.0
"""How long the links of the description are waited for."""


def configure(running_system: LocalSystem, log: FieldLog) -> list[str] | None:
    """Configure the links that the platform describes. Returns those that shall ask a DHCP server for an IPv4 address.

    Returns None if there is no description, or none with which a link gets an address. What cannot be done is told to
    the log; nothing is raised for it, because the boot may need no more than what could be done.
    """
    try:
        network = ask_platform(os.environ.get("PLATFORM_ID", ""), DRIVE_SECONDS, log).network()
        return configure_links(network, running_system, log)
    except (Failure, ImportError) as error:
        failure = NO_YAML if getattr(error, "name", "") == "yaml" else as_failure(error)
        hint = f" (hint: {failure.hint})" if failure.hint else ""
        log("warning", f"the network that the platform describes is not used, but DHCP: {failure.message}{hint}")
        return None


def configure_links(network: Network, running_system: LocalSystem, log: FieldLog) -> list[str] | None:
    """Configure the links that a network describes, as `configure`. Raises Failure if a file cannot be written."""
    found = assigned(network, _macs(network, running_system))
    for what in found.left_out:
        log("warning", f"of the network that the platform describes this is left out: {what}")
    if not found.is_usable:
        if network != Network():
            log("warning", "the network that the platform describes gives no link an address: DHCP is used")
        return None
    write_private(NAME_SERVERS, "".join(_name_server_lines(found)).encode())
    for number, link in enumerate(found.links):
        _configure_link(link, number, log)
    return [one.name for one in found.links if one.asks_dhcp]


def _macs(network: Network, running_system: LocalSystem) -> dict[str, str]:
    """The MAC address of each link; waits for those that the network describes."""
    named = [one for one in network.interfaces if one.name or one.mac]
    deadline = Deadline(LINK_SECONDS)
    events = LinkEvents()
    try:
        while True:
            paths = {name: f"/sys/class/net/{name}/address" for name in links.names()}
            macs = {name: running_system.read_text(path).strip() for name, path in paths.items()}
            if all(link_name(one, macs) for one in named) or not deadline.left():
                return macs
            events.wait(deadline.left(), StopEvent())
    finally:
        events.close()


def _name_server_lines(found: AssignedNetwork) -> Iterator[str]:
    servers = dict.fromkeys(server for one in found.links for server in one.name_servers)
    return (f"nameserver {server}\n" for server in servers)


def _configure_link(link: LinkSettings, number: int, log: FieldLog) -> None:
    """Give a link its MTU, set it up, and give it addresses and routes. `number` orders links with the same routes."""
    steps: list[tuple[str, Callable[[], None]]] = []
    if link.mtu:
        steps.append((f"MTU {link.mtu}", partial(rtnetlink.set_mtu, link.name, link.mtu)))
    steps.append(("up", partial(rtnetlink.set_up, link.name)))
    steps += [(str(one), partial(rtnetlink.add_address, link.name, one)) for one in link.addresses]
    for route in link.routes:
        action = partial(rtnetlink.add_route, link.name, route.destination, route.gateway, number)
        steps.append((f"{route.destination} via {route.gateway}", action))
    done = [text for text, action in steps if _was_done(action, f"{link.name}: {text}", log)]
    log("progress", f"{link.name}: {', '.join([*done, *(['DHCP'] if link.asks_dhcp else [])])}")


def _was_done(action: Callable[[], None], text: str, log: FieldLog) -> bool:
    try:
        action()
    except OSError as error:
        log("warning", f"{text}, which the platform describes, is not possible: {error.strerror or error}")
        return False
    return True
