"""What the kernel command line says about configs."""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import FetchFailed

PREFIXES = ("ignition", "flatcar", "coreos")
"""Flatcar's and CoreOS's names of the same arguments are accepted."""


class Arguments(NamedTuple):
    """Where the kernel command line says the config is. `urls` are tried in order."""

    urls: tuple[str, ...] = ()
    hash: str = ""
    device: str = ""
    path: str = ""


def parse(command_line: str) -> Arguments:
    """Read a kernel command line: empty values count as absent, and of everything but URLs the last one wins.

    Raises FetchFailed if only one of device and path is there, or the device is no plain label.
    """
    values = [_argument(word) for word in command_line.split()]
    found = Arguments(
        tuple(value for name, value in values if name == "url" and value),
        *(_last(values, name) for name in ("hash", "device", "path")),
    )
    if bool(found.device) != bool(found.path):
        raise FetchFailed("cmdline", "ignition.config.device and ignition.config.path must be provided together")
    if "/" in found.device or found.device in {".", ".."}:
        raise FetchFailed(
            "cmdline", "ignition.config.device must be a single path component", hint="it is a label of a file system"
        )
    return found


def value_of(command_line: str, name: str) -> str:
    """The last value of an argument of any name; empty if it is not there."""
    found = (word.partition("=")[2] for word in command_line.split() if word.startswith(f"{name}="))
    return next((value for value in reversed([*found]) if value), "")


def _argument(word: str) -> tuple[str, str]:
    """Name and value of an argument about the config; ("", "") for all others."""
    name, _, value = word.partition("=")
    prefix, _, field = name.partition(".config.")
    return (field, value) if prefix in PREFIXES else ("", "")


def _last(values: list[tuple[str, str]], wanted: str) -> str:
    return next((value for name, value in reversed(values) if name == wanted and value), "")


def last_value(command_line: str, name: str, bare: str = "") -> str | None:
    """The value of an argument, the last one if there are several; `bare` for the word alone, None without it."""
    found = None
    for word in command_line.split():
        key, equals, value = word.partition("=")
        if key == name:
            found = value.strip('"') if equals else bare
    return found
