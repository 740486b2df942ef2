"""Lints about where files go."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from provision.config.problems import Path, Problem
from transpiler.lint.content.ini import settings
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.ostree import has_read_only_root, is_ostree, link_above, needs_new_directory, real_path
from transpiler.lint.content.texts import machine_texts
from transpiler.lint.source import LintInput, remark

_NOT_MOUNTED = {None, "", "none", "swap"}
"""The formats of file systems that Ignition does not mount. Source: coreos/ignition, `mountFs`."""

_LOST = re.compile(r"/(?:proc|sys|dev|run|tmp)(?:/.*)?")

_COMMANDS = {"ExecStart", "ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost", "ExecReload", "ExecCondition"}

_CHANGES_MODES = re.compile(r"\b(?:chmod|install|setfacl|rsync|cp|mv|curl|wget|systemd-tmpfiles|ansible)\b")
"""What a text has if the machine may change the modes of files when it runs it."""


def places(source: LintInput) -> Iterator[Problem]:
    """Warnings about paths that the machine cannot write, that vanish, or that programs skip."""
    on_root = list(_nodes_on_root(source))
    for name, path in on_root:
        yield from _place(name, path, source)
    if is_ostree(source):
        yield from _on_ostree(on_root, source)
    for index, filesystem in enumerate(source.record.storage.filesystems):
        mount_point = str(getattr(filesystem, "path", None))
        is_mounted = getattr(filesystem, "format", None) not in _NOT_MOUNTED
        if mount_point.startswith("/") and is_mounted and is_ostree(source):
            yield from _mount_point(posixpath.normpath(mount_point), ("storage", "filesystems", index, "path"), source)


def _nodes_on_root(source: LintInput) -> Iterator[tuple[str, Path]]:
    """The normal paths of files, directories and links on the root file system, with the author's paths of them."""
    storage = source.record.storage
    mounted = {posixpath.normpath(str(one.path)) for one in storage.filesystems if getattr(one, "path", None)} - {"/"}
    for kind in ("files", "directories", "links"):
        for index, node in enumerate(getattr(storage, kind)):
            name = posixpath.normpath(node.path)
            on_root = getattr(node, "filesystem", "root") in {"", "root", None}
            if (
                on_root
                and name.startswith("/")
                and not any(name == one or name.startswith(f"{one}/") for one in mounted)
            ):
                yield name, ("storage", kind, index, "path")


def _place(name: str, path: Path, source: LintInput) -> Iterator[Problem]:
    system = source.variant.name
    if name == "/usr" or name.startswith("/usr/"):
        message = "the system cannot write this path: /usr is read-only"
        if is_ostree(source) and not link_above(name)[0]:
            yield remark(path, "unwritable-path", message, "use /usr/local, /etc or /var")
        elif system == "flatcar":
            yield remark(path, "unwritable-path", message, "use /opt, /etc or /var")
    elif _LOST.fullmatch(name) and system:
        message = "no program sees this path: the system mounts a directory in memory over it"
        yield remark(path, "lost-path", message, "use a path below /etc or /var")
    elif re.fullmatch(r"/etc/sudoers\.d/(?:.*\..*|.*~)", name):
        message = "sudo skips files below /etc/sudoers.d whose names have a dot or end in ~"
        hint = f"write {name.rstrip('~').replace('.', '_').replace('sudoers_d', 'sudoers.d')}"
        yield remark(path, "sudoers-name", message, hint)
    elif re.fullmatch(r"/etc/ssh/sshd_config\.d/.*(?<!\.conf)", name):
        message = "sshd reads files below /etc/ssh/sshd_config.d only if their names end in .conf"
        yield remark(path, "sshd-name", message, f"write {name}.conf")


def file_modes(source: LintInput) -> Iterator[Problem]:
    """Warnings about rules of sudo that everyone may write, and programs of services that nobody may run."""
    for index, file in enumerate(source.record.storage.files):
        if file.mode is not None and file.mode & 0o002 and re.fullmatch(r"/etc/sudoers(?:\.d/[^/.~]+)?", file.path):
            message = "sudo skips a file that everyone may write"
            yield remark(("storage", "files", index, "mode"), "sudoers-mode", message, "write mode: 0440")
    files = {
        file.path: (
            ("storage", "files", index, "path" if file.mode is None else "mode"),
            0o644 if file.mode is None else file.mode,
        )
        for index, file in enumerate(source.record.storage.files)
        if any(getattr(file.contents, one, None) for one in ("inline", "local", "source"))
    }
    found: dict[Path, Problem] = {}
    for one in machine_texts(source, lambda name: files and kind_of(name).reader in {"unit", "quadlet"}):
        for line in settings(one.text):
            program = re.match(r"[@:+!|-]*([^\s\"']+)", line.value) if line.name in _COMMANDS else None
            path, mode = files.get(program[1], ((), 0o111)) if program else ((), 0o111)
            if not mode & 0o111:
                message = f"{line.name}= of {one.name.rpartition('/')[2]} cannot run this file: its mode has no x bit"
                found.setdefault(path, remark(path, "not-executable", message, "write mode: 0755"))
    if found and not any(_CHANGES_MODES.search(one.text) for one in machine_texts(source, lambda _name: True)):
        yield from found.values()


def _on_ostree(nodes: Sequence[tuple[str, Path]], source: LintInput) -> Iterator[Problem]:
    """Warnings about nodes for which Ignition stops the boot. It does write to paths below a link.

    Source: coreos/ignition, `getOrderedCreationList` and `dirEntry.create`.
    """
    written: dict[str, str] = {}
    is_read_only = has_read_only_root(source)
    for name, path in nodes:
        link, target = link_above(name)
        if name == link and path[1] != "links":
            message = f"Ignition cannot make this: {link} is a link to {target} on this system"
            yield remark(path, "unwritable-path", message, f"write {target}, or remove it: the system makes it")
        elif is_read_only and needs_new_directory(name):
            message = "Ignition cannot make this: the directory / of this system is read-only"
            yield remark(path, "unwritable-path", message, f"write /var{name}")
        other = written.setdefault(name if name == link else real_path(name), name)
        if other != name:
            message = (
                f"Ignition refuses this: {other} is the same place, because {link or link_above(other)[0]} is a link"
            )
            yield remark(path, "same-place-twice", message, "remove one of the two")


def _mount_point(name: str, path: Path, source: LintInput) -> Iterator[Problem]:
    """A warning about a mount point below a link. Source: coreos/ignition, `checkForNonDirectories`."""
    link, target = link_above(name)
    if link:
        message = f"{link} is a link to {target} on this system, and Ignition mounts nothing through a link"
        yield remark(path, "symlink-mount-point", message, f"write {real_path(name)}")
    elif needs_new_directory(name) and has_read_only_root(source):
        message = "Ignition cannot make this mount point: the directory / of this system is read-only"
        yield remark(path, "unwritable-path", message, f"write /var{name}")
