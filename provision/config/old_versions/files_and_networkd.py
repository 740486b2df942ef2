"""Files, directories, links and networkd units of an old config -> those of the newest version.

Ignition 2.x writes one file after the other, each at its path on a file system that is named; what the newest version
asks for is the result of all of them. Source: coreos/ignition 0.35, `internal/exec/stages/files`,
`internal/exec/util/file.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join, normpath
from typing import NamedTuple

from provision.config.format import Directory, File, HttpHeader, Link, Owner, Resource, Verification
from provision.config.old_versions.format import (
    OldConfig,
    OldContents,
    OldDirectory,
    OldFile,
    OldLink,
    OldNode,
    OldOwner,
    OldReference,
)
from provision.config.problems import Path, Problem
from provision.config.resources.data_urls import percent_encoded

NETWORKD = "/etc/systemd/network"
PERMISSIONS = 0o777
"""The bits of a mode that Ignition 2.x sets: it drops setuid, setgid and sticky bits."""


class ConvertedNodes(NamedTuple):
    """What became of the nodes, with each one's place in the old config, and why some could not be written."""

    files: dict[str, tuple[File, Path]]
    directories: dict[str, tuple[Directory, Path]]
    links: dict[str, tuple[Link, Path]]
    problems: list[Problem]

    def places(self) -> dict[str, list[Path]]:
        """Section of `storage` -> the place of each of its nodes in the old config, in order."""
        return {
            "directories": [place for _, place in self.directories.values()],
            "files": [place for _, place in self.files.values()],
            "links": [place for _, place in self.links.values()],
        }


def convert_nodes(config: OldConfig, mount_points: dict[str, str]) -> ConvertedNodes:
    """Convert every node. `mount_points`: file system -> its path in the target; a node elsewhere is a problem."""
    made = ConvertedNodes({}, {}, {}, [])
    storage = config.storage
    nodes: tuple[OldNode, ...] = (*storage.directories, *storage.files, *storage.links)
    counts = dict[str, int]()
    for node in nodes:
        section = _SECTIONS[type(node)]
        index = counts[section] = counts.get(section, -1) + 1
        place: Path = ("storage", section, index)
        if node.filesystem not in mount_points:
            message = f"the referenced filesystem was not defined: {node.filesystem}"
            made.problems.append(Problem((*place, "filesystem"), message))
            continue
        mount_point = mount_points[node.filesystem]
        path = _inside(mount_point, node.path)
        if isinstance(node, OldDirectory):
            made.directories[path] = (_directory(node, path, made), place)
        elif isinstance(node, OldFile):
            _add_file(node, path, place, made)
        elif isinstance(node, OldLink):
            _add_link(node, path, mount_point, place, made)
    for path, text, place in _networkd_files(config):
        source = percent_encoded(text.encode(errors="replace"))
        file = File(path=path, overwrite=True, mode=0o644, contents=Resource(source=source), user=_ROOT, group=_ROOT)
        made.files[path] = (file, place)
    return made


_ROOT = Owner(id=0)
_SECTIONS: dict[type[OldNode], str] = {OldDirectory: "directories", OldFile: "files", OldLink: "links"}


def _inside(mount_point: str, path: str) -> str:
    """A path on a file system, as a path in the target; what leads out of the file system leads to its root."""
    return normpath(join(mount_point, normpath("/" + path.lstrip("/")).lstrip("/")))


def _directory(node: OldDirectory, path: str, made: ConvertedNodes) -> Directory:
    """A directory gets its mode and owner even if it exists. Of several entries the last one counts."""
    mode = (node.mode or 0) & PERMISSIONS
    earlier = made.directories.get(path)
    overwrite = True if node.overwrite or (earlier and earlier[0].overwrite) else None
    return Directory(path=path, mode=mode, user=_owner(node.user, 0), group=_owner(node.group, 0), overwrite=overwrite)


def _add_file(node: OldFile, path: str, place: Path, made: ConvertedNodes) -> None:
    earlier = made.files.get(path)
    resource = contents(node.contents)
    if node.overwrite is False and earlier:
        made.problems.append(Problem((*place, "path"), f'error creating "{path}": something else exists at that path'))
    elif node.append and node.overwrite is None:
        made.files[path] = (_appended(earlier[0], node, resource), place) if earlier else (_addition(node, path), place)
    else:
        file = File(
            path=path,
            overwrite=node.overwrite is not False,
            mode=None if node.append and node.mode is None else (node.mode or 0) & PERMISSIONS,
            contents=resource,
            user=_owner(node.user, 0),
            group=_owner(node.group, 0),
        )
        made.files[path] = (file, place)


def _addition(node: OldFile, path: str) -> File:
    """What is appended to a file that may be there; its mode and owner stay unless the config says others."""
    return File(
        path=path,
        overwrite=False,
        append=(contents(node.contents),),
        mode=None if node.mode is None else node.mode & PERMISSIONS,
        user=_owner(node.user, None),
        group=_owner(node.group, None),
    )


def _appended(file: File, node: OldFile, resource: Resource) -> File:
    changes: dict[str, object] = {"append": (*file.append, resource)}
    if node.mode is not None:
        changes["mode"] = node.mode & PERMISSIONS
    owners = {"user": _owner(node.user, None), "group": _owner(node.group, None)}
    changes |= {name: owner for name, owner in owners.items() if not owner.is_empty}
    return file.changed(**changes)


def _add_link(node: OldLink, path: str, mount_point: str, place: Path, made: ConvertedNodes) -> None:
    if path in made.links and not node.overwrite:
        made.problems.append(Problem((*place, "path"), f'failed to create link "{path}": file exists'))
        return
    link = Link(
        path=path,
        target=_inside(mount_point, node.target) if node.hard else node.target,
        hard=node.hard or None,
        overwrite=node.overwrite,
        user=Owner() if node.hard else _owner(node.user, 0),
        group=Owner() if node.hard else _owner(node.group, 0),
    )
    made.links[path] = (link, place)


def _networkd_files(config: OldConfig) -> Iterator[tuple[str, str, Path]]:
    """Path, text and place of each networkd unit and drop-in that has contents; they are written last."""
    for index, unit in enumerate(config.networkd.units):
        place: Path = ("networkd", "units", index)
        for number, dropin in enumerate(unit.dropins):
            if dropin.contents:
                yield f"{NETWORKD}/{unit.name}.d/{dropin.name}", dropin.contents, (*place, "dropins", number)
        if unit.contents:
            yield f"{NETWORKD}/{unit.name}", unit.contents, place


def _owner(owner: OldOwner, default: int | None) -> Owner:
    """The owner; `default` is the id if none is named."""
    if owner.id is not None:
        return Owner(id=owner.id)
    if owner.name:
        return Owner(name=owner.name)
    return Owner() if default is None else Owner(id=default)


def contents(old: OldContents) -> Resource:
    """The bytes of a file. An empty source is an empty file."""
    return Resource(
        source=old.source,
        compression=old.compression or None,
        http_headers=headers(old),
        verification=Verification(hash=old.verification.hash),
    )


def headers(old: OldContents | OldReference) -> tuple[HttpHeader, ...]:
    """The headers that have a value."""
    return tuple(HttpHeader(name=one.name, value=one.value) for one in old.http_headers if one.value)
