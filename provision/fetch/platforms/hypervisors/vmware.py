"""VMware: the config is in guestinfo or in the OVF environment of the host.

`vmware-rpctool` asks the host by vsock or by VMware's backdoor port. Without the tool we ask by vsock. We do not use
the backdoor: it needs machine instructions and access to I/O ports, which kernel lockdown denies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from provision.failures import FetchFailed
from provision.fetch.platforms.context import FetchContext
from provision.fetch.platforms.sources import base64

if TYPE_CHECKING:
    from socket import socket

TOOL = "vmware-rpctool"
VSOCK_MODULE = "vmw_vsock_vmci_transport"
KEY = "guestinfo.ignition.config.data"
OLD_KEY = "guestinfo.coreos.config.data"
KEYS = (KEY, OLD_KEY)
VENDOR = "/sys/class/dmi/id/sys_vendor"
OVF = "guestinfo.ovfenv"
OVF_NAMESPACE = "{http://schemas.dmtf.org/ovf/environment/1}"

NOTHING = "e30K"
"""`{}` and a line feed in base64: it replaces a deleted config, as in Ignition.

It counts as no config, so that a clone of the machine does not fail with an invalid one.
"""

SendCommand = Callable[[str], str | None]
"""Sends a command of the guest RPC to the host; returns the answer, None if the host refuses. Raises FetchFailed."""


def ask(context: FetchContext) -> bytes | None:
    """The config; None if there is none. Raises FetchFailed for an unknown encoding, or if the host cannot be asked."""
    with _conversation(context) as send:
        return config(send, context)


def delete(context: FetchContext) -> None:
    """Overwrite the config, so that no container in the guest can read it (CVE-2022-1706). Raises FetchFailed."""
    with _conversation(context) as send:
        remove(send)


def guestinfo(context: FetchContext, key: str) -> str:
    """The value of a key below guestinfo; empty if it is not set. Raises FetchFailed if the host cannot be asked."""
    with _conversation(context) as send:
        return _value(send, key)


def config(send: SendCommand, context: FetchContext) -> bytes | None:
    """The config that the host returns. Raises as `ask`."""
    try:
        from_ovf = dict(_ovf_properties(_value(send, OVF)))
    except FetchFailed as failure:
        context.log("warning", f"{failure.message}: going on without it")
        from_ovf = {}
    for key in KEYS:
        data = _value(send, key) or from_ovf.get(key, "")
        if data not in {"", NOTHING}:
            encoding = _value(send, f"{key}.encoding") or from_ovf.get(f"{key}.encoding", "")
            return decoded(data, encoding)
    return None


def remove(send: SendCommand) -> None:
    """Overwrite the config, and remove it from the OVF environment. Raises as `delete`.

    The config is overwritten even if the host returns no value, because it may only have failed to return one.
    """
    known = {key: _value(send, key) for key in KEYS}
    for key in (key for key, value in known.items() if value != NOTHING and (value or key == KEY)):
        _set(send, key, NOTHING)
        _set(send, f"{key}.encoding", "base64")
    environment = _value(send, OVF)
    pruned = _without_config(environment)
    if pruned != environment:
        _set(send, OVF, pruned)


def decoded(data: str, encoding: str, key: str = KEY) -> bytes:
    """A key's value, decoded if its encoding is base64; gzip is recognised later, by content. Raises FetchFailed."""
    decode = ENCODINGS.get(encoding)
    if decode is None:
        raise FetchFailed(f"{key}.encoding", f"unknown encoding {encoding!r}", hint="use base64 or gzip+base64")
    try:
        return decode(data)
    except ValueError as error:
        raise FetchFailed(key, f"is not {encoding}") from error


def _plain(data: str) -> bytes:
    return data.encode("utf-8", "surrogateescape")


def _base64(data: str) -> bytes:
    return base64(data.encode("ascii"))


ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "": _plain,
    **dict.fromkeys(("b64", "base64", "gzip+base64", "gz+base64", "gzip+b64", "gz+b64"), _base64),
    **dict.fromkeys(("gz", "gzip"), _plain),
}


def _without_config(environment: str) -> str:
    """An OVF environment without the properties of a config; the other text does not change. Raises FetchFailed."""
    import re

    def kept(element: re.Match[str]) -> str:
        key = re.search(_ITS_KEY, element[1])
        return "" if key and key[1].removesuffix(".encoding") in KEYS else element[0]

    pruned = re.sub(_PROPERTY, kept, environment)
    if set(KEYS) & dict(_ovf_properties(pruned)).keys():
        raise FetchFailed(OVF, "its properties could not be removed")
    return pruned


_PROPERTY = r"""<(?:\w+:)?Property\b((?:[^"'/>]|"[^"]*"|'[^']*')*)(?:/>|>\s*</(?:\w+:)?Property\s*>)\s*"""
_ITS_KEY = r"""\bkey\s*=\s*["']([^"']*)"""
"""A property and its key. The text of the environment is edited and not written anew, because others read it too."""


@contextmanager
def _conversation(context: FetchContext) -> Iterator[SendCommand]:
    vendor = context.running_system.read_text(VENDOR).strip()
    if vendor and "VMware" not in vendor:
        raise FetchFailed("vmware", f"this machine was made by {vendor}", hint="is ignition.platform.id right?")
    if context.running_system.has_program(TOOL):
        yield partial(_send_by_tool, context)
        return
    if not vendor:
        raise FetchFailed(TOOL, "is not there", hint="put open-vm-tools into the initramfs")
    from provision.fetch.platforms.hypervisors import guest_rpc

    context.running_system.load_module(VSOCK_MODULE)
    try:
        channel = guest_rpc.connect(context.running_system)
    except OSError as error:
        cause = f"the host does not answer ({error.strerror or error}), and {TOOL} is not there"
        raise FetchFailed("vsock", cause, hint="put open-vm-tools into the initramfs") from error
    with closing(channel):
        yield partial(send_by_vsock, channel)


def _send_by_tool(context: FetchContext, command: str) -> str | None:
    """The answer without the line feed that the tool adds."""
    answer = context.running_system.run(TOOL, command)
    return None if answer is None else answer.decode("utf-8", "surrogateescape").removesuffix("\n")


def send_by_vsock(channel: socket, command: str) -> str | None:
    """Send a command on a connection and return the answer, None if the host refuses. Raises FetchFailed."""
    from provision.fetch.platforms.hypervisors import guest_rpc

    try:
        answer = guest_rpc.ask(channel, command.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise FetchFailed("vsock", f"the connection to the host failed: {error.strerror or error}") from error
    return None if answer is None else answer.decode("utf-8", "surrogateescape")


def _value(send: SendCommand, key: str) -> str:
    """The value of a guestinfo key; empty if it is not set."""
    return send(f"info-get {key}") or ""


def _set(send: SendCommand, key: str, value: str) -> None:
    if send(f"info-set {key} {value}") is None:
        raise FetchFailed(key, "could not be overwritten")


def _ovf_properties(environment: str) -> Iterator[tuple[str, str]]:
    """The properties of an OVF environment document (DSP0243, 9)."""
    if not environment.strip():
        return
    from xml.etree import ElementTree as ET

    try:
        tree = ET.fromstring(environment.strip().encode("utf-8", "surrogateescape"))  # noqa: S314 - the host wrote it
    except ET.ParseError as error:
        raise FetchFailed(OVF, "is not XML") from error
    for entry in tree.iter(f"{OVF_NAMESPACE}Property"):
        yield entry.get(f"{OVF_NAMESPACE}key", ""), entry.get(f"{OVF_NAMESPACE}value", "")
