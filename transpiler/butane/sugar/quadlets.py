"""`systemd.quadlets`: Podman quadlets as files and links below /etc/containers/systemd.

Source: podman-systemd.unit(5), coreos/butane `base/*/translate.go`.
"""

from __future__ import annotations

import posixpath
from typing import Any

from provision.config.problems import Path, Problem
from transpiler.butane.source_map import Draft
from transpiler.butane.sugar.sugar_input import SugarInput
from transpiler.butane.sugar.trees import EXISTS, DraftNodes
from transpiler.reading.local_files import FilesDirectory, LocalFileError

ROOTFUL_DIRECTORY = "/etc/containers/systemd"
ROOTLESS_DIRECTORY = "/etc/containers/systemd/users"


def quadlets(source: SugarInput, draft: Draft) -> tuple[Draft, list[Problem]]:
    """Returns the draft with all quadlets and their drop-ins, and problems of paths and local files."""
    found, files = source.record.systemd.quadlets, source.files
    if not found:
        return draft, []
    nodes = DraftNodes(draft, gzip=True)
    problems: list[Problem] = []

    def add(quadlet: Any, target: str, path: Path) -> None:
        if nodes.kind_at(target):
            problems.append(Problem(path, EXISTS))
            return
        try:
            nodes.set_contents(target, _contents(quadlet, files), 0o644, {}, path)
        except LocalFileError as error:
            problems.append(Problem((*path, "contents_local"), str(error), hint=error.hint))
        else:
            nodes.set_path_source(target, (*path, "name"))

    for index, quadlet in enumerate(found):
        path: Path = ("systemd", "quadlets", index)
        target = posixpath.normpath(f"{ROOTFUL_DIRECTORY if quadlet.rootful else ROOTLESS_DIRECTORY}/{quadlet.name}")
        template = template_of(quadlet.name)
        if template is None:
            add(quadlet, target, path)
        elif nodes.kind_at(target):
            problems.append(Problem(path, EXISTS))
        else:
            nodes.link(target, template, {}, path)
            nodes.set_path_source(target, (*path, "name"))
        for number, dropin in enumerate(quadlet.dropins):
            add(dropin, f"{target}.d/{dropin.name}", (*path, "dropins", number))
    return nodes.draft(), problems


def template_of(name: str) -> str | None:
    """The template of an instance: `app@.container` for `app@one.container`. None if `name` is not an instance."""
    at, dot = name.find("@"), name.rfind(".")
    return f"{name[:at]}@.{name[dot + 1 :]}" if at >= 0 and dot >= 0 and at + 1 != dot else None


def _contents(quadlet: Any, files: FilesDirectory) -> bytes:
    if quadlet.contents or not quadlet.contents_local:
        return (quadlet.contents or "").encode("utf-8", "surrogateescape")
    return files.read(quadlet.contents_local)
