"""The addresses of the machine that a cloud-config or a script of CoreOS names: `$private_ipv4` and the like.

coreos-cloudinit replaces them in the text, before it is read. Source: `initialize/env.go` of coreos/coreos-cloudinit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

NAMES = ("private_ipv4", "public_ipv4", "private_ipv6", "public_ipv6")

Addresses = Callable[[], Mapping[str, str]]
"""Returns the addresses of the machine by NAMES, as far as they are known. Called only for a text that names one."""

FIELD = re.compile(rb"(\\)?\$(" + "|".join(NAMES).encode() + rb")")
"""An address in a text; after a backslash it stands for itself."""


def no_addresses() -> Mapping[str, str]:
    """A machine whose addresses are not known."""
    return {}


def named_addresses(text: bytes) -> set[str]:
    """The addresses that a text names."""
    return {match[2].decode() for match in FIELD.finditer(text) if not match[1]}


def filled_in(text: bytes, addresses: Mapping[str, str]) -> bytes:
    """The text with the known addresses; `\\$private_ipv4` becomes `$private_ipv4`."""

    def replaced(match: re.Match[bytes]) -> bytes:
        escape, name = match.groups()
        if escape:
            return b"$" + name
        address = addresses.get(name.decode())
        return match[0] if address is None else address.encode()

    return FIELD.sub(replaced, text)
