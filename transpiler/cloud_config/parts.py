"""The parts of the resulting config as they are made: what is written later replaces what was there."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import Any, NamedTuple

from provision.config.format import (
    Config,
    Dropin,
    File,
    Ignition,
    Link,
    Owner,
    Passwd,
    Resource,
    Storage,
    Systemd,
    Unit,
    User,
)
from provision.config.model import NEWEST, VERSIONS
from provision.config.problems import Path, Problem
from provision.config.resources.content import MAX_INLINE
from transpiler.butane.source_map import Draft, SourcePath
from transpiler.butane.sugar.data_url import data_url

NEWEST_STABLE = NEWEST - 1
"""The version of the resulting config: the newest one that is not experimental."""

FILE_MODE = 0o644

ONE_BOOT = ("/run", "/tmp", "/var/run")  # noqa: S108 - a folder of the target
"""Folders that are empty after each start of the machine: systemd-tmpfiles makes their files again."""

OF_THE_KERNEL = ("/dev", "/proc", "/sys")
"""Folders that the kernel fills."""

KEPT = "/etc/cloud-config"
"""Where the files of these folders are kept."""

TMPFILES = "/etc/tmpfiles.d/cloud-config{}.conf"


class Access(NamedTuple):
    """Who may use a file: permission bits, and owners by name or number; empty for root."""

    mode: int = FILE_MODE
    user: str = ""
    group: str = ""


PLAIN = Access()


class UnitParts:
    """What is known of one unit. `sources` has the author's path of each part."""

    def __init__(self) -> None:
        self.contents: str | None = None
        self.mask = False
        self.enabled = False
        self.dropins: dict[str, tuple[str, Path]] = {}
        self.source: Path = ()
        self.contents_source: Path = ()

    def unit(self, name: str) -> Unit:
        """The unit of the resulting config."""
        written: dict[str, Any] = {"name": name}
        if self.contents is not None:
            written["contents"] = self.contents
        if self.dropins:
            written["dropins"] = tuple(Dropin(name=one, contents=text) for one, (text, _) in self.dropins.items())
        written |= {flag: True for flag in ("enabled", "mask") if getattr(self, flag)}
        return Unit(**written)


class Parts:
    """All parts. Keys are the paths of files and links, and the names of accounts and units.

    `suffix` belongs to the names of what the text does not name itself; two cloud-configs of one machine differ in it.
    `room` is how many bytes encoded contents may still have, all together.
    """

    def __init__(self, suffix: str = "") -> None:
        self.suffix = suffix
        self.room = MAX_INLINE
        self.users: dict[str, tuple[User, Path]] = {}
        self.nodes: dict[str, tuple[File | Link, Path]] = {}
        self.units: dict[str, UnitParts] = {}
        self.at_boot: dict[str, tuple[str, Path]] = {}
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str, hint: str = "", *, fatal: bool = True) -> None:
        """Note a problem; `path` is the author's."""
        self.problems.append(Problem(path, message, fatal=fatal, hint=hint))

    def add_file(self, path: str, contents: bytes, source: Path, access: Access = PLAIN) -> None:
        """Write a file, below / if the path is relative. In a folder that a start empties it is made at each start."""
        place = normpath("/" + path.lstrip("/"))
        if not place.isprintable():
            self.problem(source, "the path has a control character", "remove it from the path")
        elif _is_below(place, OF_THE_KERNEL):
            hint = "write it with a unit: `ExecStart=/bin/sh -c 'echo ... >FILE'`"
            self.problem(source, f"{place} is not on a disk", hint)
        elif _is_below(place, ONE_BOOT):
            self._add_at_boot(place, contents, source, access)
        else:
            url = data_url(contents, None, gzip=True)
            resource = Resource(source=url.source, compression=url.compression)
            file = File(path=place, overwrite=True, mode=access.mode, contents=resource)
            owners = {"user": _owner(access.user), "group": _owner(access.group)}
            self._add_node(file.changed(**{name: one for name, one in owners.items() if one}), source)

    def add_link(self, path: str, target: str, source: Path) -> None:
        """Make a symbolic link."""
        self._add_node(Link(path=path, target=target, overwrite=True), source)

    def unit(self, name: str, source: Path) -> UnitParts:
        """What is known of a unit."""
        parts = self.units.setdefault(name, UnitParts())
        parts.source = parts.source or source
        return parts

    def draft(self) -> Draft:
        """The resulting config, and the author's path of each of its parts."""
        self._add_tmpfiles()
        origins: dict[Path, SourcePath] = {}
        files = [(one, source) for one, source in self.nodes.values() if isinstance(one, File)]
        links = [(one, source) for one, source in self.nodes.values() if isinstance(one, Link)]
        for section, nodes in (("files", files), ("links", links)):
            origins |= {("storage", section, index): SourcePath(source) for index, (_, source) in enumerate(nodes)}
        for index, (_, source) in enumerate(self.users.values()):
            origins["passwd", "users", index] = SourcePath(source)
        for index, parts in enumerate(self.units.values()):
            place = ("systemd", "units", index)
            origins[place] = SourcePath(parts.source)
            origins[(*place, "contents")] = SourcePath(parts.contents_source or parts.source)
            for number, (_, source) in enumerate(parts.dropins.values()):
                origins[(*place, "dropins", number)] = SourcePath(source)
        config = Config(
            ignition=Ignition(version=VERSIONS[NEWEST_STABLE]),
            passwd=Passwd(users=tuple(user for user, _ in self.users.values())),
            storage=Storage(files=tuple(one for one, _ in files), links=tuple(one for one, _ in links)),
            systemd=Systemd(units=tuple(parts.unit(name) for name, parts in self.units.items())),
        )
        return Draft(config).with_step(config, origins)

    def _add_node(self, node: File | Link, source: Path) -> None:
        before = self.nodes.pop(node.path, None)
        if before is not None:
            self.problem(before[1], f"{node.path} is written again later; only the last one counts", fatal=False)
        self.nodes[node.path] = (node, source)

    def _add_at_boot(self, path: str, contents: bytes, source: Path, access: Access) -> None:
        """Keep a file on the disk, and let systemd-tmpfiles copy it at each start (`C` of tmpfiles.d(5))."""
        kept = KEPT + path
        self.add_file(kept, contents, source, access)
        self.at_boot[path] = (f"C {_quoted(path)} - - - - {_escaped(kept)}\n", source)

    def _add_tmpfiles(self) -> None:
        if self.at_boot:
            text = "".join(line for line, _ in self.at_boot.values())
            self.add_file(
                TMPFILES.format(self.suffix), text.encode(), next(source for _, source in self.at_boot.values())
            )


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _owner(written: str) -> Owner | None:
    """The owner by number or by name; None for root."""
    if written in {"", "root", "0"}:
        return None
    return Owner(id=int(written)) if written.isdecimal() else Owner(name=written)


def _quoted(path: str) -> str:
    """A path as the second word of a line of tmpfiles.d(5)."""
    escaped = path.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return escaped if re.fullmatch("[A-Za-z0-9%+,./:=@_-]*", escaped) else f'"{escaped}"'


def _escaped(path: str) -> str:
    """A path as the last word of a line of tmpfiles.d(5), which has other escapes: those of C."""
    return re.sub(r"""[\s"'\\]""", lambda match: f"\\x{ord(match[0]):02x}", path.replace("%", "%%"))
