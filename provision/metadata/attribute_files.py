"""Attributes as files: Afterburn's names, those of coreos-metadata, names that all platforms share, and the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

AFTERBURN = "AFTERBURN_"
COREOS = "COREOS_"
SHARED = "METADATA_"

OLD_PROVIDERS = {"AWS": "EC2", "GCP": "GCE"}
"""Provider in Afterburn's names -> in those of coreos-metadata."""

SHARED_NAMES: Mapping[str, tuple[str, ...]] = {
    "HOSTNAME": ("HOSTNAME", "LOCAL_HOSTNAME", "INSTANCE_LABEL"),
    "INSTANCE_ID": ("INSTANCE_ID", "VM_ID"),
    "INSTANCE_TYPE": ("INSTANCE_TYPE", "VMSIZE", "MACHINE_TYPE", "INSTANCE_SHAPE", "SERVICE_OFFERING", "PLAN"),
    "PRIVATE_IPV4": (
        *("IPV4_LOCAL", "IPV4_PRIVATE", "PRIVATE_IPV4", "LOCAL_IPV4", "IPV4_DYNAMIC"),
        *("IPV4_PRIVATE_0", "PRIVATE_IPV4_0", "IP_LOCAL_0"),
    ),
    "PUBLIC_IPV4": (
        *("IPV4_PUBLIC", "PUBLIC_IPV4", "EIPV4", "IPV4_VIRTUAL"),
        *("IPV4_PUBLIC_0", "PUBLIC_IPV4_0", "IP_EXTERNAL_0"),
    ),
    "PUBLIC_IPV6": ("IPV6_PUBLIC", "IPV6_PUBLIC_0", "IPV6", "IPV6_SLAAC"),
    "REGION": ("REGION", "REGION_ID", "REGION_CODE", "INSTANCE_REGION"),
    "ZONE": ("AVAILABILITY_ZONE", "ZONE_ID", "AVAILABILITY_DOMAIN"),
}
"""Name that all platforms share -> the providers' attributes that have this meaning, the best one first."""

PLAIN = re.compile(r"[A-Za-z0-9_.,:/@%+=-]*")
UNFIT = re.compile(r"[\x00-\x1f\x7f]")


def afterburn(prefix: str, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names as Afterburn writes them, for instance AFTERBURN_AWS_HOSTNAME, and the shared ones."""
    yield from ((f"{AFTERBURN}{prefix}_{name}", value) for name, value in attributes.items())
    yield from ((f"{SHARED}{name}", value) for name, value in shared(attributes).items())


def coreos(prefix: str, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names as coreos-metadata writes them, for instance COREOS_EC2_HOSTNAME."""
    yield from ((f"{COREOS}{OLD_PROVIDERS.get(prefix, prefix)}_{name}", value) for name, value in attributes.items())


def shared(attributes: Mapping[str, str]) -> dict[str, str]:
    """The names that all platforms share, as far as the platform knows their values."""
    found = {
        name: next((attributes[other] for other in others if attributes.get(other)), "")
        for name, others in SHARED_NAMES.items()
    }
    return {name: value for name, value in found.items() if value}


def environment_file(named: Iterator[tuple[str, str]]) -> str:
    """The text of a file for EnvironmentFile= of systemd.exec(5), sorted by name.

    A value with other than plain characters is quoted. A value with a control character is left out: no platform has
    one, and it could set other variables.
    """
    lines = sorted(f"{name}={_quoted(value)}\n" for name, value in named if not UNFIT.search(value))
    return "".join(lines)


def _quoted(value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    escaped = re.sub(r'(["\\$`])', r"\\\1", value)
    return f'"{escaped}"'


def with_addresses(before: str, addresses: Mapping[str, str]) -> str:
    """The text of /etc/environment with the addresses as COREOS_PRIVATE_IPV4 and so on, as coreos-cloudinit writes it.

    A line that sets one of these variables is replaced in place; the others follow at the end, sorted.
    """
    pending = {f"{COREOS}{name.upper()}": address for name, address in addresses.items()}
    lines = []
    for line in before.removesuffix("\n").split("\n") if before else ():
        line = line.removesuffix("\r")  # noqa: PLW2901 - the line that is kept
        name = line.partition("=")[0]
        lines.append(f"{name}={pending.pop(name)}" if "=" in line and name in pending else line)
    lines += [f"{name}={pending[name]}" for name in sorted(pending)]
    return "".join(f"{line}\n" for line in lines)
