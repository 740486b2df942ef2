"""VMware: the config in guestinfo, or in the OVF environment, both asked of the host by `vmware-rpctool`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from provision.failures import FetchFailed
from provision.fetch.ground import Ground
from provision.fetch.sources import Site, base64

TOOL = "vmware-rpctool"
KEY = "guestinfo.ignition.config.data"
OLD_KEY = "guestinfo.coreos.config.data"
VENDOR = "/sys/class/dmi/id/sys_vendor"
OVF = "guestinfo.ovfEnv"
OVF_NAMESPACE = "{http://schemas.dmtf.org/ovf/environment/1}"

NOTHING = "e30K"
"""`{}` and a line feed in base64: what stands in the place of a deleted config, as in the reference implementation."""


def ask(site: Site) -> bytes | None:
    """The config; None if there is none. Raises FetchFailed for an encoding nobody knows, and without the tool."""
    vendor = site.ground.read_text(VENDOR).strip()
    if vendor and "VMware" not in vendor:
        raise FetchFailed("vmware", f"this machine was made by {vendor}", hint="is ignition.platform.id right?")
    if not site.ground.has_program(TOOL):
        raise FetchFailed(TOOL, "is not there", hint="put open-vm-tools into the initramfs")
    from_ovf = dict(_ovf_properties(site.ground.run(TOOL, f"info-get {OVF}") or b""))
    for key in (KEY, OLD_KEY):
        data = _info(site.ground, key) or from_ovf.get(key, "")
        if data:
            encoding = _info(site.ground, f"{key}.encoding") or from_ovf.get(f"{key}.encoding", "")
            return decoded(data, encoding)
    return None


def delete(site: Site) -> None:
    """Overwrite the config, so that no container in the guest can read it (CVE-2022-1706). Raises FetchFailed."""
    values = {KEY: NOTHING, f"{KEY}.encoding": "base64"}
    environment = _info(site.ground, OVF)
    pruned = _without_config(environment)
    if pruned != environment:
        values[OVF] = pruned
    for key, value in values.items():
        if site.ground.run(TOOL, f"info-set {key} {value}") is None:
            raise FetchFailed(key, "could not be overwritten")


def decoded(data: str, encoding: str) -> bytes:
    """A value as its encoding says; gzip is taken off later, by content. Raises FetchFailed."""
    decode = ENCODINGS.get(encoding)
    if decode is None:
        raise FetchFailed(f"{KEY}.encoding", f"unknown encoding {encoding!r}", hint="use base64 or gzip+base64")
    try:
        return decode(data)
    except ValueError as error:
        raise FetchFailed(KEY, f"is not {encoding}") from error


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
    """An OVF environment without the properties of a config; all else stays to the letter. Raises FetchFailed."""
    import re

    def kept(element: re.Match[str]) -> str:
        key = re.search(_ITS_KEY, element[1])
        return "" if key and key[1].removesuffix(".encoding") in {KEY, OLD_KEY} else element[0]

    pruned = re.sub(_PROPERTY, kept, environment)
    if {KEY, OLD_KEY} & dict(_ovf_properties(pruned.encode("utf-8", "surrogateescape"))).keys():
        raise FetchFailed(OVF, "its properties could not be removed")
    return pruned


_PROPERTY = r"""<(?:\w+:)?Property\b((?:[^"'/>]|"[^"]*"|'[^']*')*)(?:/>|>\s*</(?:\w+:)?Property\s*>)\s*"""
_ITS_KEY = r"""\bkey\s*=\s*["']([^"']*)"""
"""A property in the text of the environment, which is not written anew: others read it too."""


def _info(ground: Ground, key: str) -> str:
    """A value of guestinfo; empty if it is not set. The tool ends it with a line feed of its own."""
    answer = ground.run(TOOL, f"info-get {key}")
    return (answer or b"").decode("utf-8", "surrogateescape").removesuffix("\n")


def _ovf_properties(environment: bytes) -> Iterator[tuple[str, str]]:
    """The properties of an OVF environment document (DSP0243, 9)."""
    if not environment.strip():
        return
    from xml.etree import ElementTree as ET

    try:
        tree = ET.fromstring(environment.strip().decode("utf-8", "replace"))  # noqa: S314 - the host wrote it
    except ET.ParseError as error:
        raise FetchFailed(OVF, "is not XML") from error
    for entry in tree.iter(f"{OVF_NAMESPACE}Property"):
        yield entry.get(f"{OVF_NAMESPACE}key", ""), entry.get(f"{OVF_NAMESPACE}value", "")
