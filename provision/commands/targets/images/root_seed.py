"""Fills a new root file system: with a given tree (`--base`), or with the few files that tools for accounts need."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.format import Config
from provision.failures import Failure
from provision.planning.actions import RunProgram, Wave
from provision.planning.arguments import Argument, Content, TargetPath
from provision.planning.facts import ContentFact, Fact, FileFact, GroupFact, UserFact
from provision.planning.file_actions import MakeDirectory, WriteFile
from provision.planning.machine_view import Account, FileStatus, FileType, MachineView
from provision.planning.root.account_files import GROUP, LOGIN_DEFS, PASSWD, read_accounts
from provision.planning.stage import Plan

_TAR_KEEPS = ("--numeric-owner", "--preserve-permissions", "--acls", "--xattrs", "--xattrs-include=*")
"""Capabilities of programs and SELinux labels are extended attributes (tar(1), "Extended file attributes")."""


def read_root_seed(path: str) -> RootSeed:
    """The tree in the directory or tar archive at a path. Raises Failure if it is neither."""
    source = os.path.abspath(path)
    if os.path.isdir(source):
        copy: tuple[Argument, ...] = ("cp", "-a", "--", f"{source}/.", TargetPath("/"))
        return RootSeed(f"copy {path}", copy, tuple(_directory_facts(source)))
    try:
        with tarfile.open(source) as archive:
            facts = tuple(_archive_facts(archive))
    except (OSError, tarfile.TarError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a tar archive"
        raise Failure(f"{path}: {reason}", hint="--base takes a directory or a tar archive") from None
    extract: tuple[Argument, ...] = ("tar", "--extract", *_TAR_KEEPS, "-C", TargetPath("/"), "-f", source)
    return RootSeed(f"unpack {path}", extract, facts)


def _directory_facts(source: str) -> Iterator[Fact]:
    for folder, directories, files in os.walk(source):
        for name in (*directories, *files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), FileType.OTHER)
            target = os.readlink(path) if kind is FileType.LINK else None
            yield FileFact(path[len(source) :], FileStatus(kind, stat.S_IMODE(status.st_mode), target=target))
    for name in _READ:
        if os.path.isfile(source + name) and not os.path.islink(source + name):
            with open(source + name, "rb") as file:
                yield from _content_facts(name, file.read())


def _archive_facts(archive: tarfile.TarFile) -> Iterator[Fact]:
    for member in archive:
        path = os.path.normpath("/" + member.name)
        if path == "/":
            continue
        kind = _KINDS.get(_tar_type(member), FileType.OTHER)
        yield FileFact(
            path,
            FileStatus(kind, member.mode & 0o7777, target=member.linkname if member.issym() else None),
        )
        file = archive.extractfile(member) if path in _READ and member.isfile() else None
        if file is not None:
            yield from _content_facts(path, file.read())


def _tar_type(member: tarfile.TarInfo) -> int:
    if member.isdir():
        return stat.S_IFDIR
    if member.issym():
        return stat.S_IFLNK
    return stat.S_IFREG if member.isfile() or member.islnk() else 0


def _content_facts(path: str, data: bytes) -> Iterator[Fact]:
    yield ContentFact(path, data)
    if path == PASSWD:
        yield from (UserFact(one.name, one) for one in read_accounts("user", data))
    elif path == GROUP:
        yield from (GroupFact(one.name, one) for one in read_accounts("group", data))


_READ = {PASSWD, GROUP, LOGIN_DEFS}
"""The files of a given tree that plans read."""

_KINDS = {stat.S_IFREG: FileType.FILE, stat.S_IFDIR: FileType.DIRECTORY, stat.S_IFLNK: FileType.LINK}

ROOT_USER = UserFact("root", Account("root", 0, 0, "/root", "/bin/bash"))

ROOT_GROUP = GroupFact("root", Account("root", 0))

DEFAULTS = "UID_MIN 1000\nGID_MIN 1000\nUSERGROUPS_ENAB yes\nHOME_MODE 0700\nENCRYPT_METHOD YESCRYPT\n"

MINIMAL = (
    (PASSWD, 0o644, "root:x:0:0:root:/root:/bin/bash\n", (ROOT_USER,)),
    (GROUP, 0o644, "root:x:0:\n", (ROOT_GROUP,)),
    ("/etc/shadow", 0o640, "root:*:::::::\n", ()),
    ("/etc/gshadow", 0o640, "root:*::\n", ()),
    (LOGIN_DEFS, 0o644, DEFAULTS, (ContentFact(LOGIN_DEFS, DEFAULTS.encode()),)),
)
"""The files that useradd, groupadd and usermod need; the password of root is locked."""

FOLDERS = (("/etc", 0o755), ("/home", 0o755), ("/proc", 0o555), ("/root", 0o700), ("/var", 0o755))
"""usermod(8) reads /proc of the root, and moves a home only if the directory above the new home exists."""


class RootSeed(NamedTuple):
    """A tree to fill a root file system with: how to unpack it, and the facts about it that a plan can use."""

    title: str
    argv: tuple[Argument, ...]
    facts: tuple[Fact, ...]


def fill_root(base: RootSeed | None) -> Plan:
    """The plan that fills `/`; it does nothing if a passwd file exists."""

    def plan(_config: Config, view: MachineView) -> Iterator[Wave]:
        if view.file_status(PASSWD) is not None:
            return
        if base is None:
            yield tuple(MakeDirectory(path, mode) for path, mode in FOLDERS)
            yield tuple(
                WriteFile(path, (Content(text.encode()),), mode, facts=facts) for path, mode, text, facts in MINIMAL
            )
        else:
            yield (RunProgram(base.title, base.argv, frozenset({"/"}), base.facts),)

    return plan
