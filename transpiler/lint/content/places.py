"""Lints about where files go, and who may read them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from provision.config.problems import Path, Problem
from transpiler.lint.content.texts import machine_texts
from transpiler.lint.source import LintInput, remark
from transpiler.reports.secret_text import PRIVATE_KEY, WIREGUARD_KEY

_OSTREE = {"fcos", "openshift", "r4e", "fiot"}

_OSTREE_LINKS = {
    "/home": "/var/home",
    "/opt": "/var/opt",
    "/srv": "/var/srv",
    "/root": "/var/roothome",
    "/mnt": "/var/mnt",
    "/usr/local": "/var/usrlocal",
}
"""Links in the root of systems made with rpm-ostree. Source: the file systems page of Fedora CoreOS."""

_NOT_MOUNTED = {None, "", "none", "swap"}
"""The formats of file systems that Ignition does not mount. Source: coreos/ignition, `mountFs`."""

_LOST = re.compile(r"/(?:proc|sys|dev|run|tmp)(?:/.*)?")


def places(source: LintInput) -> Iterator[Problem]:
    """Warnings about paths that the machine cannot write, that vanish, or that programs skip."""
    for kind in ("files", "directories", "links"):
        for index, node in enumerate(getattr(source.record.storage, kind)):
            if getattr(node, "filesystem", "root") in {"", "root", None}:
                yield from _place(node.path, ("storage", kind, index, "path"), source)
    for index, filesystem in enumerate(source.record.storage.filesystems):
        path = getattr(filesystem, "path", None)
        if isinstance(path, str) and getattr(filesystem, "format", None) not in _NOT_MOUNTED:
            yield from _mount_point(path, ("storage", "filesystems", index, "path"), source)


def _place(name: str, path: Path, source: LintInput) -> Iterator[Problem]:
    if not name.startswith("/"):
        return
    simple = posixpath.normpath(name)
    system = source.variant.name
    mounted = {
        posixpath.normpath(str(one.path)) for one in source.record.storage.filesystems if getattr(one, "path", None)
    }
    if any(simple == one or simple.startswith(one.rstrip("/") + "/") for one in mounted if one != "/"):
        return
    if simple == "/usr" or simple.startswith("/usr/"):
        if system in _OSTREE and not (simple == "/usr/local" or simple.startswith("/usr/local/")):
            message = "the system cannot write this path: /usr is read-only"
            yield remark(path, "unwritable-path", message, "use /usr/local, /etc or /var")
        elif system == "flatcar":
            message = "the system cannot write this path: /usr is read-only"
            yield remark(path, "unwritable-path", message, "use /opt, /etc or /var")
    elif _LOST.fullmatch(simple) and system:
        message = "no program sees this path: the system mounts a directory in memory over it"
        yield remark(path, "lost-path", message, "use a path below /etc or /var")
    elif re.fullmatch(r"/etc/sudoers\.d/(?:.*\..*|.*~)", simple):
        message = "sudo skips files below /etc/sudoers.d whose names have a dot or end in ~"
        yield remark(
            path,
            "sudoers-name",
            message,
            f"write {simple.rstrip('~').replace('.', '_').replace('sudoers_d', 'sudoers.d')}",
        )
    elif re.fullmatch(r"/etc/ssh/sshd_config\.d/.*(?<!\.conf)", simple):
        message = "sshd reads files below /etc/ssh/sshd_config.d only if their names end in .conf"
        yield remark(path, "sshd-name", message, f"write {simple}.conf")


def _mount_point(name: str, path: Path, source: LintInput) -> Iterator[Problem]:
    """A warning about a mount point below a link. Source: coreos/ignition, `checkForNonDirectories`."""
    if source.variant.name not in _OSTREE:
        return
    simple = posixpath.normpath(name) if name.startswith("/") else name
    for link, target in _OSTREE_LINKS.items():
        if simple == link or simple.startswith(link + "/"):
            message = f"{link} is a link to {target} on this system, and Ignition mounts nothing through a link"
            yield remark(path, "symlink-mount-point", message, f"write {target}{simple[len(link) :]}")


def exposed_secrets(source: LintInput) -> Iterator[Problem]:
    """Warnings about files with a private key that everyone may read, and profiles that NetworkManager skips for it."""
    for one in machine_texts(source, lambda _name: True):
        if one.path[:2] != ("storage", "files"):
            continue
        file = source.record.storage.files[one.path[2]]
        mode = 0o644 if file.mode is None else file.mode
        place = (*one.path[:3], "path" if file.mode is None else "mode")
        if one.name.startswith("/etc/NetworkManager/system-connections/"):
            if mode & 0o077:
                message = "NetworkManager skips a profile that others than root may read"
                yield remark(place, "keyfile-mode", message, "write mode: 0600")
            continue
        secret = PRIVATE_KEY.search(one.text) or WIREGUARD_KEY.search(one.text)
        if secret and mode & 0o004:
            at = None if one.file else one.place(source, one.text.count("\n", 0, secret.start()))
            message = "everyone on the machine may read this private key"
            yield remark(place, "exposed-secret", message, "write mode: 0600", at if file.mode is None else None)
