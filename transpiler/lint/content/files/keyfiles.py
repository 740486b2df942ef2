"""Connection profiles of NetworkManager. Sources: nm-settings-keyfile(5), nm-settings-nmcli(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.files.network_files import wrong_address
from transpiler.lint.content.ini import Setting, settings
from transpiler.lint.content.tables import table
from transpiler.lint.content.wrong_lines import WrongLine

OTHER_NAMES = {
    "ethernet": "802-3-ethernet",
    "wifi": "802-11-wireless",
    "wifi-security": "802-11-wireless-security",
}
"""The short name of a section -> the one that NetworkManager's tables have."""

_FREE = {
    "vpn",
    "vpn-secrets",
    "user",
    "bond",
    "team",
    "team-port",
    "ethernet-s390-options",
    "ovs-external-ids",
    "802-1x",
}
_FREE |= {"ovs-other-config", "bridge", "sriov", "tc", "link", "wireguard", "proxy", "dcb", "generic", "hostname", "lo"}
"""Sections with names of other programs, or with names that only the keyfile has."""

_ONLY_IN_KEYFILES = re.compile(
    r"(address|addresses|route|routes|routing-rule)\d*(_options)?|gateway|route\d+_options|dns\d*|uuid|id|cloned-mac-address"
    r"|psk|permissions|ssid|mac-address|interface-name|\w+-flags|.*\.\w+"
)

_WITH_MAC = {"ethernet", "802-3-ethernet", "wifi", "802-11-wireless"}
_MAC = re.compile(r"(?:[0-9a-fA-F]{1,2}[:-]){5}[0-9a-fA-F]{1,2}|(?:\d+[;,]){5}\d+[;,]?")
"""Six bytes, in hexadecimal or, in an older form, as a list of numbers."""

_METHODS: Mapping[str, tuple[str, ...]] = {
    "ipv4": ("auto", "link-local", "manual", "shared", "disabled"),
    "ipv6": ("ignore", "auto", "dhcp", "link-local", "manual", "shared", "disabled"),
}

_TYPES = [
    "ethernet",
    "wifi",
    "802-3-ethernet",
    "802-11-wireless",
    "802-11-olpc-mesh",
    "6lowpan",
    "adsl",
    "bluetooth",
    "bond",
    "bridge",
    "cdma",
    "dummy",
    "generic",
    "gsm",
    "hsr",
    "infiniband",
    "ip-tunnel",
    "ipvlan",
    "loopback",
    "macsec",
    "macvlan",
    "olpc-mesh",
    "ovs-bridge",
    "ovs-dpdk",
    "ovs-interface",
    "ovs-patch",
    "ovs-port",
    "pppoe",
    "team",
    "tun",
    "veth",
    "vlan",
    "vpn",
    "vrf",
    "vxlan",
    "wifi-p2p",
    "wimax",
    "wireguard",
    "wpan",
    "xfrm",
]


def keyfile(_name: str, text: str) -> Iterator[WrongLine]:
    """What NetworkManager would refuse or ignore in a connection profile."""
    known = known_sections()
    found: dict[tuple[str, str], Setting] = {}
    sections: set[str] = set()
    for one in settings(text, ("#",), continues=False):
        if one.opens_section:
            sections.add(one.section)
            if one.section not in known and not _is_free(one.section):
                message = f"NetworkManager does not know the section [{one.section}] and ignores it"
                near = did_you_mean(one.section, known).strip(" ()")
                yield WrongLine(one.line, "keyfile-section", message, near or "see nm-settings-nmcli(5)")
        elif not one.has_equals or not one.section:
            message = "NetworkManager refuses this file: a line is neither a section nor `name=value` below one"
            yield WrongLine(one.line, "setting-without-equals", message, "write name=value below a line [section]")
        else:
            found[one.section, one.name] = one
            yield from _setting(one, known)
    yield from _whole(found, sections, text)


def _whole(found: Mapping[tuple[str, str], Setting], sections: set[str], text: str) -> Iterator[WrongLine]:
    """What a profile lacks. Another section than these can tell the type, such as [vlan]."""
    for section in _METHODS:
        method = found.get((section, "method"))
        has_address = any(where == section and name.startswith("address") for where, name in found)
        if method and method.value == "manual" and not has_address:
            message = "NetworkManager refuses this file: method=manual needs an address"
            yield WrongLine(method.line, "keyfile-value", message, "add a line such as address1=192.0.2.5/24,192.0.2.1")
    if ("connection", "type") not in found and "$" not in text and sections <= {"connection", *_METHODS}:
        message = "NetworkManager refuses this file: [connection] has no type"
        yield WrongLine(0, "keyfile-value", message, "add a line such as type=ethernet")


def known_sections() -> Mapping[str, Mapping[str, str]]:
    """Section -> its settings. Some sections have two names."""
    every = table("keyfile")
    return {**every, **{short: every[long] for short, long in OTHER_NAMES.items()}}


def _is_free(section: str) -> bool:
    return section in _FREE or section.startswith((".", "wireguard-peer.", "vpn", "ovs-"))


def _setting(one: Setting, known: Mapping[str, Mapping[str, str]]) -> Iterator[WrongLine]:
    names = known.get(one.section, {})
    if names and not _is_free(one.section) and one.name not in names and not _ONLY_IN_KEYFILES.fullmatch(one.name):
        message = f"NetworkManager does not know {one.name}= in [{one.section}] and ignores it"
        near = did_you_mean(one.name, names).strip(" ()")
        yield WrongLine(one.line, "keyfile-setting", message, near or "see nm-settings-keyfile(5)")
        return
    if names.get(one.name) == "BOOLEAN" and one.value not in {"true", "false", "1", "0", ""} and "$" not in one.value:
        message = f"NetworkManager ignores this value of {one.name}="
        yield WrongLine(one.line, "keyfile-value", message, "write true or false")
        return
    wrong = "" if "$" in one.value else _wrong_value(one)
    if wrong:
        yield WrongLine(one.line, "keyfile-value", wrong, "correct the value; see nm-settings-nmcli(5)")


def _wrong_value(one: Setting) -> str:
    """What NetworkManager does with a wrong value; empty if it is good, or if that is not certain."""
    where = (one.section, one.name)
    if one.name == "method" and one.section in _METHODS and one.value not in _METHODS[one.section]:
        return f"NetworkManager refuses this file: a method is {', '.join(_METHODS[one.section])}"
    if where == ("connection", "type") and one.value not in _TYPES:
        return f"NetworkManager refuses this file: there is no such type{did_you_mean(one.value, _TYPES)}"
    if where == ("connection", "uuid") and not re.fullmatch(r"[0-9a-fA-F-]{32,40}", one.value):
        return "NetworkManager refuses this file: this is no UUID"
    wrong = _wrong_address(one) if one.section in _METHODS else ""
    if one.name == "mac-address" and one.section in _WITH_MAC and one.value and not _MAC.fullmatch(one.value):
        wrong = "this is no hardware address"
    return f"NetworkManager ignores this value: {wrong}" if wrong else ""


def _wrong_address(one: Setting) -> str:
    """Why an address, its gateway, or one of several DNS servers is wrong; empty if none is."""
    if re.fullmatch(r"address(es)?\d*", one.name):
        address, _, gateway = one.value.rstrip(",;").partition(",")
        gateway = re.sub(r"^\d+(,|$)", "", gateway.strip())  # the prefix length in an older form
        if ";" in address:
            return ""
        wrong = wrong_address(address.strip(), with_prefix=True)
        return wrong or (wrong_address(gateway.strip(), with_prefix=False) if gateway.strip() else "")
    servers = re.split(r"[;,]", one.value) if one.name == "dns" else []
    plain = [word for word in servers if re.fullmatch(r"[\d.]+|[0-9a-fA-F]*:[0-9a-fA-F:]*", word)]
    return next((wrong for word in plain if (wrong := wrong_address(word, with_prefix=False))), "")
