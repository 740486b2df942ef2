"""Read the arguments of the kernel command line.

Those that say where the config is are read as Ignition reads them: white space separates them, also within quotes.
Source: internal/providers/cmdline of Ignition. All others are read as systemd reads them, which mounts what they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from provision.failures import Failure, FetchFailed

PREFIXES = ("ignition", "flatcar", "coreos")
"""Prefixes of argument names: those of Ignition, and older ones of Flatcar and CoreOS for the same arguments."""

NETWORK = "provision.network"
"""The argument that says what becomes of the initramfs's network; without it the network ends with the first boot."""

_KEEP, _PROPAGATE = "keep", "propagate"

NETWORK_VALUES = (_KEEP, _PROPAGATE)

_ROOT_ON_NETWORK = frozenset(
    {"netroot", "nfsroot", "iscsi_firmware", "iscsi_initiator", "iscsi_target_name", "fcoe", "nbdroot"}
)
"""Names of arguments, and below how these and `root=` begin, of dracut.cmdline(7) and initramfs-tools(7)."""

_TARGETS = ("rd.iscsi.", "rd.nvmf.")

_NETWORK_ROOTS = ("nfs", "iscsi:", "nbd:", "fcoe:", "nvmf", "http:", "https:", "ftp:", "cifs:", "/dev/nfs")

_WORD = re.compile(r"""(?:"[^"]*"?|'[^']*'?|[^\s"'])+""")
_QUOTED = re.compile(r""""([^"]*)"?|'([^']*)'?""")


class ConfigArguments(NamedTuple):
    """Where the config is. `urls` are tried in order; `hash` is the checksum that the config at these URLs has."""

    urls: tuple[str, ...] = ()
    hash: str = ""
    device: str = ""
    path: str = ""


def arguments(command_line: str) -> Iterator[tuple[str, str | None]]:
    """Name and value of each argument, in order; the value of an argument without `=` is None. Quotes stay."""
    return _pairs(command_line.split())


def last_value(command_line: str, name: str, bare: str = "") -> str | None:
    """The last value of an argument: `bare` if it has no `=`, None if the argument is absent.

    Quotes are removed, and white space within them is part of the value (`root="LABEL=my root"`).
    """
    found = None
    for key, value in _pairs(_words(command_line)):
        if key == name:
            found = bare if value is None else value
    return found


def root_options(command_line: str) -> tuple[str, ...]:
    """The options for mounting the root file system: those of every `rootflags=`, as systemd-fstab-generator(8)."""
    values = [value for name, value in _pairs(_words(command_line)) if name == "rootflags" and value]
    return tuple(option for option in ",".join(values).split(",") if option)


def _words(command_line: str) -> Iterator[str]:
    """The words as systemd reads them (proc-cmdline.c); inner quotes may stand anywhere in a word."""
    for word in _WORD.findall(command_line):
        yield _QUOTED.sub(lambda found: found[1] or found[2] or "", word)


def _pairs(words: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    for word in words:
        name, equals, value = word.partition("=")
        yield name, value if equals else None


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


def root_is_on_network(command_line: str) -> bool:
    """Whether the root file system may need the network."""
    names = [name for name, _ in arguments(command_line)]
    root = last_value(command_line, "root") or ""
    by_script = last_value(command_line, "boot") == "nfs"
    named = any(name in _ROOT_ON_NETWORK or name.startswith(_TARGETS) for name in names)
    return by_script or named or root.startswith(_NETWORK_ROOTS)


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
