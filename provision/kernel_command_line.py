"""Read the arguments of the kernel command line.

White space separates arguments, also within quotes, as in Ignition. Source: internal/providers/cmdline of Ignition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.failures import Failure, FetchFailed

PREFIXES = ("ignition", "flatcar", "coreos")
"""Prefixes of argument names: those of Ignition, and older ones of Flatcar and CoreOS for the same arguments."""

NETWORK = "provision.network"
"""The argument that says what becomes of the initramfs's network; without it the network ends with the first boot."""

_KEEP, _PROPAGATE = "keep", "propagate"

NETWORK_VALUES = (_KEEP, _PROPAGATE)


class ConfigArguments(NamedTuple):
    """Where the config is. `urls` are tried in order; `hash` is the checksum that the config at these URLs has."""

    urls: tuple[str, ...] = ()
    hash: str = ""
    device: str = ""
    path: str = ""


def arguments(command_line: str) -> Iterator[tuple[str, str | None]]:
    """Name and value of each argument, in order; the value of an argument without `=` is None."""
    for word in command_line.split():
        name, equals, value = word.partition("=")
        yield name, value if equals else None


def last_value(command_line: str, name: str, bare: str = "") -> str | None:
    """The last value of an argument: `bare` if it has no `=`, None if the argument is absent.

    Quotes around a value are removed, as the kernel does for its own arguments (`root="LABEL=a"`).
    """
    found = None
    for key, value in arguments(command_line):
        if key == name:
            found = bare if value is None else value.strip('"')
    return found


def platform_id(command_line: str) -> str:
    """The name of the platform, which distributions set in their images; empty if there is none."""
    names = ("ignition.platform.id", "flatcar.oem.id", "coreos.oem.id")
    return next((value for name in names if (value := last_value(command_line, name))), "")


def keeps_network(command_line: str) -> bool:
    """Whether the real root is to use the network of the initramfs as it is."""
    return last_value(command_line, NETWORK) == _KEEP


def propagates_network(command_line: str) -> bool:
    """Whether the real root is to get the settings of the initramfs's network."""
    return last_value(command_line, NETWORK) == _PROPAGATE


def check_network_argument(command_line: str) -> None:
    """Raise Failure for an unknown value of NETWORK."""
    value = last_value(command_line, NETWORK)
    if value is not None and value not in NETWORK_VALUES:
        hint = f"write {NETWORK}={', or '.join(NETWORK_VALUES)}, or leave it out"
        raise Failure(f"kernel command line: {NETWORK}={value} is unknown", hint=hint)


def config_arguments(command_line: str) -> ConfigArguments:
    """The arguments that say where the config is.

    An empty value counts as absent. Of several values the last one counts, except for URLs. Raises FetchFailed if the
    hash has no value, if only one of device and path is given, or if the device is not a plain label.
    """
    values = [(field, value) for name, value in arguments(command_line) if (field := _config_field(name)) and value]
    latest = dict(values)
    found = ConfigArguments(
        tuple(value for field, value in values if field == "url"),
        *(latest.get(field, "") for field in ("hash", "device", "path")),
    )
    if not found.hash and any(_config_field(name) == "hash" for name, _ in arguments(command_line)):
        raise FetchFailed(
            "cmdline", "ignition.config.hash has no value", hint="write sha512- or sha256- and the sum, or remove it"
        )
    if bool(found.device) != bool(found.path):
        raise FetchFailed("cmdline", "ignition.config.device and ignition.config.path must be provided together")
    if "/" in found.device or found.device in {".", ".."}:
        raise FetchFailed(
            "cmdline", "ignition.config.device must be a single path component", hint="it is a label of a file system"
        )
    return found


def _config_field(name: str) -> str:
    """The part of an argument's name after `ignition.config.` or its other forms (see PREFIXES); else empty."""
    prefix, _, field = name.partition(".config.")
    return field if prefix in PREFIXES else ""
