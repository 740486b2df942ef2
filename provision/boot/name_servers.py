"""Writes resolv.conf(5) in the initramfs, with the name servers that systemd-networkd knows."""

from __future__ import annotations

import os

from provision.system.running_system.local_system import LocalSystem

NETWORK_STATE = "/run/systemd/netif/state"

RESOLV_CONF = "/etc/resolv.conf"


def write_resolv_conf(running_system: LocalSystem) -> None:
    """Write /etc/resolv.conf, if systemd-networkd knows name servers."""
    text = resolv_conf(running_system.read_text(NETWORK_STATE))
    if text:
        with open(f"{RESOLV_CONF}.new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(f"{RESOLV_CONF}.new", RESOLV_CONF)


def resolv_conf(state: str) -> str:
    """The text of resolv.conf(5) for a state file of systemd-networkd (sd-network.h); empty without name servers."""
    fields = dict(line.partition("=")[::2] for line in state.splitlines())
    servers = [f"nameserver {server}" for server in fields.get("DNS", "").split()]
    domains = [f"search {fields['DOMAINS']}"] if servers and fields.get("DOMAINS") else []
    return "".join(f"{line}\n" for line in (*servers, *domains))
