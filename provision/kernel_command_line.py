"""What the kernel command line says.

A word is what stands between white space; quotes have no meaning here, since Ignition gives them none. Source:
internal/providers/cmdline of Ignition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.failures import FetchFailed

PREFIXES = ("ignition", "flatcar", "coreos")
"""Flatcar's and CoreOS's names of the same arguments are accepted."""


class ConfigArguments(NamedTuple):
    """Where the kernel command line says the config is. `urls` are tried in order; `hash` is of what they serve."""

    urls: tuple[str, ...] = ()
    hash: str = ""
    device: str = ""
    path: str = ""


def arguments(command_line: str) -> Iterator[tuple[str, str | None]]:
    """Name and value of each argument, in order; the value of a word without `=` is None."""
    for word in command_line.split():
        name, equals, value = word.partition("=")
        yield name, value if equals else None


def last_value(command_line: str, name: str, bare: str = "") -> str | None:
    """The value of an argument, the last one if there are several; `bare` for the word alone, None without it.

    Quotes around a value are dropped, as the kernel does for its own arguments (`root="LABEL=a"`).
    """
    found = None
    for key, value in arguments(command_line):
        if key == name:
            found = bare if value is None else value.strip('"')
    return found


def config_arguments(command_line: str) -> ConfigArguments:
    """The arguments about configs: empty values count as absent, and of everything but URLs the last one wins.

    Raises FetchFailed if the hash is given without a value, if only one of device and path is given, or if the device
    is no plain label.
    """
    values = [(field, value) for name, value in arguments(command_line) if (field := _config_field(name)) and value]
    latest = dict(values)
    found = ConfigArguments(
        tuple(value for field, value in values if field == "url"),
        *(latest.get(field, "") for field in ("hash", "device", "path")),
    )
    if not found.hash and any(_config_field(name) == "hash" for name, _ in arguments(command_line)):
        raise FetchFailed(
            "cmdline", "ignition.config.hash has no value", hint="write sha512- or sha256- and the sum, or leave it out"
        )
    if bool(found.device) != bool(found.path):
        raise FetchFailed("cmdline", "ignition.config.device and ignition.config.path must be provided together")
    if "/" in found.device or found.device in {".", ".."}:
        raise FetchFailed(
            "cmdline", "ignition.config.device must be a single path component", hint="it is a label of a file system"
        )
    return found


def _config_field(name: str) -> str:
    """The part of an argument's name after `ignition.config.`, or after that prefix by another name; else empty."""
    prefix, _, field = name.partition(".config.")
    return field if prefix in PREFIXES else ""
