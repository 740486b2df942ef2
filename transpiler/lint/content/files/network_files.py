"""Files of systemd-networkd and udev: `.network`, `.netdev` and `.link`.

Sources: systemd.network(5), systemd.netdev(5), systemd.link(5).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.ini import Setting, settings
from transpiler.lint.content.kinds_of_values import hint_for
from transpiler.lint.content.tables import table
from transpiler.lint.content.wrong_lines import WrongLine

_NETDEV_SECTIONS = {
    "Match",
    "NetDev",
    "Bridge",
    "VLAN",
    "MACVLAN",
    "MACVTAP",
    "IPVLAN",
    "IPVTAP",
    "VXLAN",
    "GENEVE",
    "BareUDP",
    "L2TP",
    "L2TPSession",
    "MACsec",
    "MACsecReceiveChannel",
    "MACsecTransmitAssociation",
    "MACsecReceiveAssociation",
    "Tunnel",
    "FooOverUDP",
    "Peer",
    "VXCAN",
    "Tun",
    "Tap",
    "WireGuard",
    "WireGuardPeer",
    "Bond",
    "Xfrm",
    "VRF",
    "BatmanAdvanced",
    "IPoIB",
    "WLAN",
    "HSR",
}

_BOTH = {"Match", "Bridge", "IPoIB"}
"""Sections of `.netdev` files that `.network` files have too."""

_DHCP = ("yes", "no", "ipv4", "ipv6", "true", "false", "on", "off", "1", "0", "both", "none", "v4", "v6")

_KINDS = [
    "bareudp",
    "batadv",
    "bond",
    "bridge",
    "can",
    "dummy",
    "erspan",
    "fou",
    "geneve",
    "gre",
    "gretap",
    "hsr",
    "ifb",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "ipoib",
    "ipvlan",
    "ipvtap",
    "l2tp",
    "macsec",
    "macvlan",
    "macvtap",
    "netdevsim",
    "nlmon",
    "sit",
    "tap",
    "tun",
    "vcan",
    "veth",
    "vlan",
    "vrf",
    "vti",
    "vti6",
    "vxcan",
    "vxlan",
    "wireguard",
    "wlan",
    "xfrm",
]


def network_file(name: str, text: str) -> Iterator[WrongLine]:
    """What networkd or udev would refuse or ignore in a file, by the name of the file."""
    match = re.search(r"\.(network|netdev|link)(?:\.d/[^/]+)?$", name)
    suffix = match[1] if match else "network"
    known = known_sections(suffix)
    program = "udev" if suffix == "link" else "networkd"
    for one in settings(text):
        if one.opens_section:
            if one.section not in known and not one.section.startswith("X-"):
                yield _unknown_section(one, known, suffix, program)
        elif not one.has_equals:
            yield WrongLine(
                one.line, "setting-without-equals", f"{program} ignores a line without `=`", "write Name=value"
            )
        elif not one.section:
            message = f"{program} ignores settings before the first section"
            yield WrongLine(
                one.line, "network-section", message, f"write a section before it, such as [{_first(suffix)}]"
            )
        elif one.section in known and "${" not in one.name:
            yield from _setting(one, known, program)


def _first(suffix: str) -> str:
    return {"network": "Network", "netdev": "NetDev"}.get(suffix, "Link")


def known_sections(suffix: str) -> Mapping[str, Mapping[str, str]]:
    """Section -> its settings, for `network`, `netdev` or `link` files."""
    if suffix == "link":
        return table("link")
    every = table("networkd")
    if suffix == "netdev":
        return {section: known for section, known in every.items() if section in _NETDEV_SECTIONS}
    return {section: known for section, known in every.items() if section not in _NETDEV_SECTIONS - _BOTH}


def _unknown_section(one: Setting, known: Mapping[str, object], suffix: str, program: str) -> WrongLine:
    near = did_you_mean(one.section, known).strip(" ()")
    kinds = [kind for kind in ("network", "netdev", "link") if one.section in known_sections(kind)]
    message = f"{program} ignores the section [{one.section}] in a .{suffix} file"
    hint = near or (f"it belongs into a .{kinds[0]} file" if kinds else f"see systemd.{suffix}(5)")
    return WrongLine(one.line, "network-section", message, hint)


def _setting(one: Setting, known: Mapping[str, Mapping[str, str]], program: str) -> Iterator[WrongLine]:
    if one.name not in known[one.section] and not one.name.startswith("X-"):
        near = did_you_mean(one.name, known[one.section]).strip(" ()")
        elsewhere = sorted(section for section, names in known.items() if one.name in names)
        hint = near or (f"write it below a line [{elsewhere[0]}]" if elsewhere else "see systemd.network(5)")
        if len(elsewhere) == 1:
            hint = f"write it below a line [{elsewhere[0]}]"
        message = f"{program} does not know {one.name}= in [{one.section}] and ignores it"
        yield WrongLine(one.line, "network-setting", message, hint)
        return
    wrong = _wrong_value(one)
    kind = known[one.section].get(one.name, "")
    hint = hint_for(kind, one.value) if kind != "UNSIGNED" else ""  # newer versions take words, too
    if wrong:
        message = f"{program} ignores this line: {wrong}"
        yield WrongLine(one.line, "network-value", message, "correct the value; see systemd.network(5)")
    elif hint:
        yield WrongLine(one.line, "network-value", f"{program} ignores this value of {one.name}=", hint)


def _wrong_value(one: Setting) -> str:
    """Why a value is wrong; empty if it is good, or if that is not certain."""
    judge = _JUDGES.get((one.section, one.name))
    return judge(one.value) if judge and one.value and "$" not in one.value and "%" not in one.value else ""


def _dhcp(value: str) -> str:
    return "" if value.lower() in _DHCP else "DHCP= is yes, no, ipv4 or ipv6"


def _kind(value: str) -> str:
    return "" if value in _KINDS else f"there is no such kind of device{did_you_mean(value, _KINDS)}"


def _servers(value: str) -> str:
    """Why a value is no list of DNS servers. One with a port or a name after it has a form of its own."""
    words = (word for word in value.split() if not re.search(r"[#\[%]|:\d+$|^_", word) or _is_address(word))
    return next((wrong for word in words if (wrong := wrong_address(word, with_prefix=False))), "")


def _is_address(word: str) -> bool:
    return not wrong_address(word, with_prefix=False)


def _device(value: str) -> str:
    """Why a value is no name of a network device: the kernel takes up to 15 bytes (`IFNAMSIZ`)."""
    if len(value.encode()) > 15:
        return "the name of a device has 15 characters at most"
    return "the name of a device has no slash, colon or space" if re.search(r"[\s/:]", value) else ""


_WAKE_ON_LAN = ("off", "phy", "unicast", "multicast", "broadcast", "arp", "magic", "secureon")


def _wake_on_lan(value: str) -> str:
    wrong = [word for word in value.split() if word not in _WAKE_ON_LAN]
    return f"WakeOnLan= does not know {wrong[0][:20]}{did_you_mean(wrong[0], _WAKE_ON_LAN)}" if wrong else ""


def _macs(value: str) -> str:
    return "" if all(_is_mac(word) for word in value.split()) else "this is no hardware address"


def _with_prefix(value: str) -> str:
    return wrong_address(value, with_prefix=True)


def _gateway(value: str) -> str:
    return "" if value.startswith("_") else wrong_address(value, with_prefix=False)


_JUDGES: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("Network", "DHCP"): _dhcp,
    ("NetDev", "Kind"): _kind,
    ("Network", "Address"): _with_prefix,
    ("Address", "Address"): _with_prefix,
    ("Network", "Gateway"): _gateway,
    ("Route", "Gateway"): _gateway,
    ("Route", "Destination"): lambda value: "" if value == "default" else _with_prefix(value),
    ("Network", "DNS"): _servers,
    ("NetDev", "Name"): _device,
    ("Link", "Name"): _device,
    ("Link", "WakeOnLan"): _wake_on_lan,
    ("Match", "MACAddress"): _macs,
    ("Link", "MACAddress"): _macs,
    ("NetDev", "MACAddress"): _macs,
}


def _is_mac(word: str) -> bool:
    """Whether a word is a hardware address in a form that networkd takes, also that of InfiniBand or an IP tunnel."""
    if word in {"none", "random"}:
        return True
    forms = r"(?:[0-9a-fA-F]{1,2}[:-]){5,19}[0-9a-fA-F]{1,2}|(?:[0-9a-fA-F]{1,4}\.){2}[0-9a-fA-F]{1,4}"
    return re.fullmatch(forms, word) is not None or not wrong_address(word, with_prefix=False)


def wrong_address(text: str, *, with_prefix: bool) -> str:
    """Why a text is no IP address, with an optional prefix length if `with_prefix`; empty if it is one."""
    address, slash, length = text.partition("/")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "this is no IP address"
    if slash and not with_prefix:
        return "an address without a prefix length belongs here"
    if slash and not (length.isdecimal() and float(length) <= found.max_prefixlen):
        return f"the prefix length of this address is 0 to {found.max_prefixlen}"
    return ""
