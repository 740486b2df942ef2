"""Directories, files and links of the config: what happens at each path, or why it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from posixpath import dirname, join, normpath
from typing import NamedTuple

from provision.config.format import Config, Directory, File, Link, Node, Owner, Resource
from provision.config.problems import Path, Problem, dotted
from provision.config.resources.content import MAX_INLINE, ContentInvalid, ContentTooLarge, inline_content
from provision.config.resources.urls import redacted
from provision.failures import PlanRefused
from provision.planning.actions import Action, FetchBlob, Keep, Wave
from provision.planning.arguments import Blob, Bytes, Content
from provision.planning.facts import Fact, FileFact
from provision.planning.file_actions import MakeDirectory, MakeHardLink, MakeSymlink, RemovePath, WriteFile
from provision.planning.forecast import Forecast
from provision.planning.machine_view import FileStatus, FileType, MachineView, is_id
from provision.planning.mount_points import mountable
from provision.planning.root.account_files import ACCOUNT_FILES
from provision.planning.root.target_paths import Unresolvable, depth, missing_parents, resolve_path, resolver
from provision.stages.files import engine_files, free_space
from provision.stages.files.accounts.checks import LAST_ID
from provision.stages.files.data_loss import replaced

WITHOUT_LINKS = ("vfat", "msdos", "exfat")
"""File systems that have neither symbolic nor hard links."""


class DesiredNode(NamedTuple):
    """A node of the config: its place in the config, the path that its own path leads to, and its bytes."""

    node: Node
    config_path: Path
    path: str
    parts: tuple[Bytes, ...] = ()
    fetches: tuple[FetchBlob, ...] = ()

    @property
    def noun(self) -> str:
        """What Ignition calls it in messages."""
        return type(self.node).__name__.lower()


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """All fetches side by side, then the nodes depth by depth, then hard links.

    Everything is decided before the first wave, each node on the forecast of those before it, so that all problems are
    reported at once. Raises PlanRefused.
    """
    entries, problems = _entries(config, view)
    problems += [*_collisions(entries), *engine_files.refusals((entry.path, entry.config_path) for entry in entries)]
    forecast = Forecast(view)
    mounts = frozenset(filesystem.path or "" for _, filesystem in mountable(config))
    owners = {
        filesystem.path or "": _mounted_for(filesystem.mount_options)
        for _, filesystem in mountable(config)
        if filesystem.format in WITHOUT_LINKS
    }
    waves: list[Wave] = []
    kept: list[Action] = []
    for together in _rounds(entries):
        due: list[Action] = []
        for entry in together:
            try:
                actions = _actions(entry, forecast, mounts)
                for action in actions:
                    _check_owner(action, forecast, owners)
            except PlanRefused as refused:
                problems += refused.under(*entry.config_path).problems
                continue
            forecast.apply(fact for action in actions for fact in action.effect())
            due += actions
            if not actions:
                kept.append(Keep(f"{entry.noun} {entry.path}", "it already matches the config", entry.config_path))
        waves.append(tuple(action for action in due if isinstance(action, RemovePath)))
        waves.append(tuple(action for action in due if not isinstance(action, RemovePath)))
    problems += free_space.refusals((action for wave in waves for action in wave), view)
    if problems:
        raise PlanRefused(problems)
    fetches: Wave = tuple(fetch for entry in entries for fetch in entry.fetches)
    yield from (wave for wave in (tuple(kept), fetches, *waves) if wave)


def _rounds(entries: list[DesiredNode]) -> Iterator[list[DesiredNode]]:
    """The nodes that are made side by side: those of one depth after the other, then each hard link, as the config
    has them.
    """
    others: dict[int, list[DesiredNode]] = {}
    for entry in entries:
        if not _is_hard(entry):
            others.setdefault(depth(entry.path), []).append(entry)
    yield from (others[level] for level in sorted(others))
    yield from ([entry] for entry in entries if _is_hard(entry))


def _entries(config: Config, view: MachineView) -> tuple[list[DesiredNode], list[Problem]]:
    """Every node of a config (directories, files, links: Ignition's order), and problems of impossible ones."""
    entries, problems = list[DesiredNode](), list[Problem]()
    storage = config.storage
    forecast = Forecast(view)
    forecast.apply(_in_place_of_others(storage.directories, view))
    resolved = resolver(forecast)
    room = MAX_INLINE
    for section, nodes in (("directories", storage.directories), ("files", storage.files), ("links", storage.links)):
        for index, node in enumerate(nodes):
            config_path: Path = ("storage", section, index)
            try:
                entries.append(_entry(node, config_path, resolved(node.path), room))
                room -= sum(len(part.data) for part in entries[-1].parts if isinstance(part, Content))
            except Unresolvable as refused:
                problems += refused.under(*config_path).problems
            except ContentInvalid as refused:
                if room or not isinstance(refused, ContentTooLarge):
                    problems.append(Problem(config_path, str(refused), rule="invalid-contents"))
                if isinstance(refused, ContentTooLarge):
                    room = 0  # no more is decompressed: many such contents would take minutes
    return entries, problems


def _in_place_of_others(directories: Iterable[Directory], view: MachineView) -> Iterator[Fact]:
    """Directories that replace something else, such as a link: other paths of the config now lead into them."""
    for directory in directories:
        with suppress(Unresolvable):
            path = resolve_path(view, directory.path) if directory.overwrite else "/"
            there = view.file_status(path)
            if there is not None and there.kind is not FileType.DIRECTORY:
                yield FileFact(path, FileStatus(FileType.DIRECTORY))


def _entry(node: Node, config_path: Path, path: str, room: int) -> DesiredNode:
    """What is done for a node; `room` is the most bytes to which its contents in the config may decompress."""
    if not isinstance(node, File):
        return DesiredNode(node, config_path, path)
    parts: list[Bytes] = []
    fetches = []
    for place, resource in _resources(node, config_path):
        data = inline_content(resource, room)
        room -= len(data or b"")
        if data is None:
            title = f"fetch {redacted(resource.source or '')}"
            fetches.append(FetchBlob(resource, Blob(dotted(place)), path, title, config_path=place))
        parts.append(Blob(dotted(place)) if data is None else Content(data))
    return DesiredNode(node, config_path, path, tuple(parts), tuple(fetches))


def _resources(file: File, config_path: Path) -> Iterator[tuple[Path, Resource]]:
    """What a file is made of, in order, each with its place."""
    if file.contents.source is not None:
        yield (*config_path, "contents"), file.contents
    for index, resource in enumerate(file.append):
        yield (*config_path, "append", index), resource


def _collisions(entries: Iterable[DesiredNode]) -> Iterator[Problem]:
    first: dict[str, DesiredNode] = {}
    for entry in entries:
        other = first.setdefault(entry.path, entry)
        if other is not entry:
            yield Problem(
                entry.config_path,
                f"{entry.noun} at {entry.node.path} resolved to {entry.path} after symlink chasing, "
                f"but another entry with path {other.node.path} also resolves there",
                rule="same-place-twice",
            )


def _actions(entry: DesiredNode, view: MachineView, mounts: frozenset[str]) -> list[Action]:
    """What has to happen for one entry; `mounts` are the config's mount points. Raises PlanRefused."""
    existing = view.file_status(entry.path)
    if existing is None or not entry.node.overwrite:
        return _make(entry, existing, view, "")
    removal = _removal(entry, existing, view)
    if removal:
        _check_removal(entry.path, view, mounts)
    return [*removal, *_make(entry, None, view, "" if removal else _lost(entry, view))]


def _check_removal(path: str, view: MachineView, mounts: frozenset[str]) -> None:
    """The root and what is mounted cannot be replaced, only what is on them. Raises PlanRefused."""
    if path == "/":
        raise _refused("the root itself cannot be replaced; set overwrite on what is in it", "root-replacement")
    mounted = sorted({*(point for point in mounts if (point + "/").startswith(path + "/")), *view.mounts_below(path)})
    if view.mount(path) is not None or mounted:
        point = (mounted or [path])[0]
        raise _refused(f"{path} cannot be replaced: a file system is mounted at {point}", "mount-point-replacement")


def _make(entry: DesiredNode, existing: FileStatus | None, view: MachineView, destroys: str) -> list[Action]:
    if isinstance(entry.node, File):
        return _file(entry, entry.node, existing, view, destroys)
    if isinstance(entry.node, Directory):
        return _directory(entry, entry.node, existing, view)
    if isinstance(entry.node, Link):
        make = _hard_link if entry.node.hard else _symbolic_link
        _check_links(_mount_point(entry.path, view), view)
        return make(entry, entry.node, existing, view, destroys)
    raise TypeError(entry.node)


def _mount_point(path: str, view: MachineView) -> str:
    """The mount point of the file system that holds the name at a path."""
    folder = dirname(path)
    while folder != "/" and view.mount(folder) is None:
        folder = dirname(folder)
    return folder


def _check_links(point: str, view: MachineView) -> None:
    """Raises PlanRefused for a file system that has no links (mkfs.fat(8))."""
    mounted = view.mount(point)
    if mounted is not None and mounted.format in WITHOUT_LINKS:
        raise _refused(
            f"the file system at {point} is {mounted.format}, which has no links", "filesystem-without-links"
        )


def _mounted_for(options: Iterable[str]) -> tuple[int, int]:
    """The user and group id to which everything on a file system without owners belongs (mount(8), uid= and gid=)."""
    given = dict(option.split("=", 1) for word in options for option in word.split(",") if "=" in option)
    uid, gid = given.get("uid", ""), given.get("gid", "")
    return int(uid) if is_id(uid) else 0, int(gid) if is_id(gid) else 0


def _check_owner(action: Action, view: MachineView, owners: Mapping[str, tuple[int, int]]) -> None:
    """Raises PlanRefused for an owner on a file system that has none: the kernel refuses to change it (EPERM).

    Only for mounts of the config: the options of others are not known. Modes that such a file system cannot have are
    ignored by the kernel (fat_setattr in Linux fs/fat/file.c).
    """
    if not owners or not isinstance(action, WriteFile | MakeDirectory):
        return
    point = _mount_point(action.path, view)
    mounted = view.mount(point)
    if mounted is None or mounted.format not in WITHOUT_LINKS or point not in owners:
        return
    (uid, gid), wanted = owners[point], (action.uid, action.gid)
    if wanted[0] not in {uid, None} or wanted[1] not in {gid, None}:
        message = f"the file system at {point} is {mounted.format}, which has no owners: all is of {uid}:{gid}"
        hint = "give user and group the same ids as uid= and gid= in mountOptions (without these, 0)"
        raise PlanRefused([Problem((), message, hint=hint, rule="fixed-owner")])


def _removal(entry: DesiredNode, existing: FileStatus, view: MachineView) -> list[Action]:
    """A file or link is replaced by renaming over it; a directory has to go first, and so has all under a new one."""
    in_the_way = existing.kind is FileType.DIRECTORY or isinstance(entry.node, Directory)
    return (
        [RemovePath(entry.path, config_path=entry.config_path, destroys=replaced(view, entry.path))]
        if in_the_way
        else []
    )


def _lost(entry: DesiredNode, view: MachineView) -> str:
    if isinstance(entry.node, File):
        return replaced(view, entry.path, entry.parts)
    link = entry.node if isinstance(entry.node, Link) and not entry.node.hard else None
    return replaced(view, entry.path, target=link.target if link else None)


def _file(
    entry: DesiredNode, file: File, existing: FileStatus | None, view: MachineView, destroys: str
) -> list[Action]:
    if existing is not None and (file.contents.source is not None or existing.kind is not FileType.FILE):
        what = "regular" if existing.kind is FileType.FILE else "non regular"
        raise _in_the_way(f"A {what} file exists there already and overwrite is false", entry.path, view)
    uid, gid = _owner(entry, view, existing)
    mode = _mode(file.mode, existing, 0o644)
    if existing is not None and not file.append and _has(existing, mode, uid, gid):
        return []
    return [
        WriteFile(
            entry.path,
            entry.parts if file.append or existing is None else (),
            mode=mode,
            uid=uid,
            gid=gid,
            keep=existing is not None,
            parents=missing_parents(view, entry.path),
            config_path=entry.config_path,
            destroys=destroys,
            exclusive=existing is None and not file.overwrite,
        )
    ]


def _directory(
    entry: DesiredNode, directory: Directory, existing: FileStatus | None, view: MachineView
) -> list[Action]:
    if existing is not None and existing.kind is not FileType.DIRECTORY:
        raise _in_the_way("A non-directory already exists and overwrite is false", entry.path, view)
    uid, gid = _owner(entry, view, existing)
    mode = _mode(directory.mode, existing, 0o755)
    if existing is not None and _has(existing, mode, uid, gid):
        return []
    parents = missing_parents(view, entry.path)
    return [MakeDirectory(entry.path, mode, uid, gid, parents, config_path=entry.config_path)]


def _has(existing: FileStatus, mode: int, uid: int | None, gid: int | None) -> bool:
    """Whether something has an owner, and a mode unless its file system stores none (vfat)."""
    stored = existing.mode is not None or existing.identity is None
    return (uid, gid) == (existing.uid, existing.gid) and (mode == existing.mode or not stored)


def _symbolic_link(
    entry: DesiredNode, link: Link, existing: FileStatus | None, view: MachineView, destroys: str
) -> list[Action]:
    target = link.target or ""
    if existing is not None:
        if existing.kind is FileType.LINK and normpath(existing.target or "") == normpath(target):
            return []
        raise _in_the_way("A file already exists there and overwrite is false", entry.path, view)
    uid, gid = _owner(entry, view, _followed(entry.path, target, view))
    parents, exclusive = missing_parents(view, entry.path), not link.overwrite
    return [MakeSymlink(entry.path, target, uid, gid, parents, entry.config_path, destroys, exclusive)]


def _hard_link(
    entry: DesiredNode, link: Link, existing: FileStatus | None, view: MachineView, destroys: str
) -> list[Action]:
    target = resolve_path(view, link.target or "")
    there = view.file_status(target)
    if there is None:
        raise _refused(f"hard link target {target} does not exist", "hard-link-target")
    if there.kind is FileType.DIRECTORY:
        raise _refused(f"hard link target {target} is a directory", "hard-link-target")
    if existing is not None:
        if existing.identity is not None and existing.identity == there.identity:
            return []
        raise _in_the_way("A file already exists there and overwrite is false", entry.path, view)
    if _mount_point(target, view) != _mount_point(entry.path, view):
        raise _refused(
            f"hard link target {target} is on another file system, or another mount of it", "hard-link-target"
        )
    node = FileStatus(there.kind, target=there.target)
    parents, exclusive = missing_parents(view, entry.path), not link.overwrite
    return [MakeHardLink(entry.path, target, node, parents, entry.config_path, destroys, exclusive)]


def _followed(path: str, target: str, view: MachineView) -> FileStatus | None:
    """What a relative link will point at: Ignition gives the link the owner of that.

    Ignition looks for an absolute target outside of the root, where everything belongs to root.
    """
    if target.startswith("/"):
        return None
    try:
        return view.file_status(resolve_path(view, join(dirname(path), target)))
    except Unresolvable:
        return None


def _mode(wanted: int | None, existing: FileStatus | None, default: int) -> int:
    if wanted is not None:
        return wanted
    return default if existing is None or existing.mode is None else existing.mode


def _owner(entry: DesiredNode, view: MachineView, existing: FileStatus | None) -> tuple[int | None, int | None]:
    uid = _id(entry.node.user, "user", view, 0 if existing is None else existing.uid)
    gid = _id(entry.node.group, "group", view, 0 if existing is None else existing.gid)
    return uid, gid


def _id(owner: Owner, what: str, view: MachineView, default: int | None) -> int | None:
    if owner.id is not None:
        if not 0 <= owner.id <= LAST_ID:
            raise _refused(f"{what} id {owner.id} is out of range (0 to {LAST_ID})", "id-range")
        return owner.id
    if not owner.name:
        return default
    account = view.user(owner.name) if what == "user" else view.group(owner.name)
    if account is None:
        raise _refused(f'no such {what} "{owner.name}"', "unknown-group" if what == "group" else "unknown-user")
    return account.id


def _in_the_way(message: str, path: str, view: MachineView) -> PlanRefused:
    """As `_refused`, with the path and a hint. An owner is unknown if an account that is not there yet will own it."""
    there = view.file_status(path)
    points = (path, *view.mounts_below(path)) if view.mount(path) is not None else view.mounts_below(path)
    if points:
        hint = f"a file system is mounted at {points[0]}; choose another path"
    elif there is not None and there.uid is None and path not in ACCOUNT_FILES:
        hint = "it comes with a new user: home, skeleton directory or keys; overwrite would replace it"
    else:
        hint = "overwrite would replace it"
    return PlanRefused([Problem((), f"{message}: {path}", hint=hint, rule="existing-file")])


def _refused(message: str, rule: str) -> PlanRefused:
    """A refusal of the entry that is looked at; `plan` adds its place."""
    return PlanRefused([Problem((), message, rule=rule)])


def _is_hard(entry: DesiredNode) -> bool:
    return isinstance(entry.node, Link) and entry.node.hard is True
