"""Directories, files and links of the config: what has to happen at each path, or why it must not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from posixpath import dirname, join, normpath
from typing import NamedTuple

from provision.config import format as config_format
from provision.config.data_urls import ContentInvalid, inline_content
from provision.config.format import Config, Owner
from provision.config.urls import redacted
from provision.failures import PlanRefused
from provision.planning.actions import (
    Action,
    Blob,
    Bytes,
    Content,
    Directory,
    Fetch,
    HardLink,
    Keep,
    Link,
    Remove,
    Wave,
    Write,
)
from provision.planning.forecast import Forecast
from provision.planning.machine_view import Fact, Kind, Node, Observe
from provision.planning.target_paths import Unresolvable, depth, missing_parents, resolve, resolver
from provision.stages.files import free_space as room
from provision.stages.files.account_checks import LAST_ID
from provision.stages.files.data_loss import replaced
from provision.stages.mount import mountable


class Entry(NamedTuple):
    """A node of the config: the place that names it (`storage.files[1]`), where its path leads, and its bytes."""

    node: config_format.Node
    reason: str
    path: str
    parts: tuple[Bytes, ...] = ()
    fetches: tuple[Fetch, ...] = ()

    @property
    def noun(self) -> str:
        """What the reference engine calls it."""
        return type(self.node).__name__.lower()


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """Fetches side by side, then the nodes depth by depth, then hard links.

    Everything is decided before the first wave, each entry on the forecast of those before it, so that all reasons to
    refuse come together.
    """
    entries, reasons = _entries(config, observe)
    reasons += _collisions(entries)
    forecast = Forecast(observe)
    mounts = frozenset(filesystem.path or "" for _, filesystem in mountable(config))
    waves: list[Wave] = []
    kept: list[Action] = []
    for together in _rounds(entries):
        due: list[Action] = []
        for entry in together:
            try:
                actions = _actions(entry, forecast, mounts)
            except PlanRefused as refused:
                reasons.append(f"{entry.reason}: {refused}")
                continue
            forecast.lay(fact for action in actions for fact in action.effect())
            due += actions
            if not actions:
                kept.append(Keep(f"{entry.noun} {entry.path}", "it is as the config wants it", entry.reason))
        waves.append(tuple(action for action in due if isinstance(action, Remove)))
        waves.append(tuple(action for action in due if not isinstance(action, Remove)))
    reasons += room.refusals((action for wave in waves for action in wave), observe)
    if reasons:
        raise PlanRefused(reasons)
    fetches: Wave = tuple(fetch for entry in entries for fetch in entry.fetches)
    yield from (wave for wave in (tuple(kept), fetches, *waves) if wave)


def _rounds(entries: list[Entry]) -> Iterator[list[Entry]]:
    """What is made side by side: the nodes of one depth after the other, then each hard link, in the config's order."""
    others: dict[int, list[Entry]] = {}
    for entry in entries:
        if not _is_hard(entry):
            others.setdefault(depth(entry.path), []).append(entry)
    yield from (others[level] for level in sorted(others))
    yield from ([entry] for entry in entries if _is_hard(entry))


def _entries(config: Config, observe: Observe) -> tuple[list[Entry], list[str]]:
    """Every node of a config (directories, files, links: the reference order), and the reasons that stop some."""
    entries, reasons = [], []
    storage = config.storage
    view = Forecast(observe)
    view.lay(_in_place_of_others(storage.directories, observe))
    resolved = resolver(view)
    for section, nodes in (("directories", storage.directories), ("files", storage.files), ("links", storage.links)):
        for index, node in enumerate(nodes):
            reason = f"storage.{section}[{index}]"
            try:
                entries.append(_entry(node, reason, resolved(node.path)))
            except (Unresolvable, ContentInvalid) as problem:
                reasons.append(f"{reason}: {problem}")
    return entries, reasons


def _in_place_of_others(directories: Iterable[config_format.Directory], observe: Observe) -> Iterator[Fact]:
    """Directories that take the place of something else: paths of the config lead into them, not where they led."""
    for directory in directories:
        with suppress(Unresolvable):
            path = resolve(observe, directory.path) if directory.overwrite else "/"
            there = observe.node(path)
            if there is not None and there.kind is not Kind.DIRECTORY:
                yield Fact("node", path, Node(Kind.DIRECTORY))


def _entry(node: config_format.Node, reason: str, path: str) -> Entry:
    if not isinstance(node, config_format.File):
        return Entry(node, reason, path)
    parts: list[Bytes] = []
    fetches = []
    contents = [(f"{reason}.contents", node.contents)] if node.contents.source is not None else []
    for name, resource in (
        *contents,
        *((f"{reason}.append[{index}]", resource) for index, resource in enumerate(node.append)),
    ):
        data = inline_content(resource)
        if data is None:
            title = f"fetch {redacted(resource.source or '')}"
            fetches.append(Fetch(resource, Blob(name), path, title, reason=name))
        parts.append(Blob(name) if data is None else Content(data))
    return Entry(node, reason, path, tuple(parts), tuple(fetches))


def _collisions(entries: Iterable[Entry]) -> list[str]:
    first: dict[str, Entry] = {}
    reasons = []
    for entry in entries:
        other = first.setdefault(entry.path, entry)
        if other is not entry:
            reasons.append(
                f"{entry.reason}: {entry.noun} at {entry.node.path} resolved to {entry.path} after symlink chasing, "
                f"but another entry with path {other.node.path} also resolves there"
            )
    return reasons


def _actions(entry: Entry, observe: Observe, mounts: frozenset[str]) -> list[Action]:
    """What has to happen for one entry; `mounts` are the config's mount points. Raises PlanRefused."""
    existing = observe.node(entry.path)
    if existing is None or not entry.node.overwrite:
        return _make(entry, existing, observe, "")
    removal = _removal(entry, existing, observe)
    if removal:
        _check_removal(entry.path, observe, mounts)
    return [*removal, *_make(entry, None, observe, "" if removal else _lost(entry, observe))]


def _check_removal(path: str, observe: Observe, mounts: frozenset[str]) -> None:
    """The root and what is mounted cannot be replaced, only what is on them. Raises PlanRefused."""
    if path == "/":
        raise PlanRefused(["the root itself cannot be replaced; set overwrite on what is in it"])
    mounted = sorted(point for point in mounts if (point + "/").startswith(path + "/"))
    if observe.mount(path) is not None or mounted:
        point = (mounted or [path])[0]
        raise PlanRefused([f"{path} cannot be replaced: a file system is mounted at {point}"])


def _make(entry: Entry, existing: Node | None, observe: Observe, loses: str) -> list[Action]:
    if isinstance(entry.node, config_format.File):
        return _file(entry, entry.node, existing, observe, loses)
    if isinstance(entry.node, config_format.Directory):
        return _directory(entry, entry.node, existing, observe)
    if isinstance(entry.node, config_format.Link):
        make = _hard_link if entry.node.hard else _symbolic_link
        return make(entry, entry.node, existing, observe, loses)
    raise TypeError(entry.node)


def _removal(entry: Entry, existing: Node, observe: Observe) -> list[Action]:
    """A file or link is replaced by renaming over it; a directory has to go first, and so has all under a new one."""
    in_the_way = existing.kind is Kind.DIRECTORY or isinstance(entry.node, config_format.Directory)
    return [Remove(entry.path, reason=entry.reason, loses=replaced(observe, entry.path))] if in_the_way else []


def _lost(entry: Entry, observe: Observe) -> str:
    if isinstance(entry.node, config_format.File):
        return replaced(observe, entry.path, entry.parts)
    link = entry.node if isinstance(entry.node, config_format.Link) and not entry.node.hard else None
    return replaced(observe, entry.path, target=link.target if link else None)


def _file(entry: Entry, file: config_format.File, existing: Node | None, observe: Observe, loses: str) -> list[Action]:
    if existing is not None and (file.contents.source is not None or existing.kind is not Kind.FILE):
        what = "regular" if existing.kind is Kind.FILE else "non regular"
        raise PlanRefused([f"A {what} file exists there already and overwrite is false: {entry.path}"])
    uid, gid = _owner(entry, observe, existing)
    mode = _mode(file.mode, existing, 0o644)
    if existing is not None and not file.append and (mode, uid, gid) == (existing.mode, existing.uid, existing.gid):
        return []
    return [
        Write(
            entry.path,
            entry.parts if file.append or existing is None else (),
            mode=mode,
            uid=uid,
            gid=gid,
            keep=existing is not None,
            parents=missing_parents(observe, entry.path),
            reason=entry.reason,
            loses=loses,
        )
    ]


def _directory(
    entry: Entry, directory: config_format.Directory, existing: Node | None, observe: Observe
) -> list[Action]:
    if existing is not None and existing.kind is not Kind.DIRECTORY:
        raise PlanRefused([f"A non-directory already exists and overwrite is false: {entry.path}"])
    uid, gid = _owner(entry, observe, existing)
    mode = _mode(directory.mode, existing, 0o755)
    if existing is not None and (mode, uid, gid) == (existing.mode, existing.uid, existing.gid):
        return []
    parents = missing_parents(observe, entry.path)
    return [Directory(entry.path, mode, uid, gid, parents, reason=entry.reason)]


def _symbolic_link(
    entry: Entry, link: config_format.Link, existing: Node | None, observe: Observe, loses: str
) -> list[Action]:
    target = link.target or ""
    if existing is not None:
        if existing.kind is Kind.LINK and normpath(existing.target or "") == normpath(target):
            return []
        raise PlanRefused([f"A file already exists there and overwrite is false: {entry.path}"])
    uid, gid = _owner(entry, observe, _followed(entry.path, target, observe))
    return [Link(entry.path, target, uid, gid, missing_parents(observe, entry.path), entry.reason, loses)]


def _hard_link(
    entry: Entry, link: config_format.Link, existing: Node | None, observe: Observe, loses: str
) -> list[Action]:
    target = resolve(observe, link.target or "")
    there = observe.node(target)
    if there is None:
        raise PlanRefused([f"hard link target {target} does not exist"])
    if there.kind is Kind.DIRECTORY:
        raise PlanRefused([f"hard link target {target} is a directory"])
    if existing is not None:
        if existing.identity is not None and existing.identity == there.identity:
            return []
        raise PlanRefused([f"A file already exists there and overwrite is false: {entry.path}"])
    node = Node(there.kind, target=there.target)
    return [HardLink(entry.path, target, node, missing_parents(observe, entry.path), entry.reason, loses)]


def _followed(path: str, target: str, observe: Observe) -> Node | None:
    """What a relative link will point at: the reference engine gives a link the owner of that.

    An absolute target it looks for outside of the root, where what there is belongs to root.
    """
    if target.startswith("/"):
        return None
    try:
        return observe.node(resolve(observe, join(dirname(path), target)))
    except Unresolvable:
        return None


def _mode(wanted: int | None, existing: Node | None, default: int) -> int:
    if wanted is not None:
        return wanted
    return default if existing is None or existing.mode is None else existing.mode


def _owner(entry: Entry, observe: Observe, existing: Node | None) -> tuple[int | None, int | None]:
    uid = _id(entry.node.user, "user", observe, 0 if existing is None else existing.uid)
    gid = _id(entry.node.group, "group", observe, 0 if existing is None else existing.gid)
    return uid, gid


def _id(owner: Owner, what: str, observe: Observe, default: int | None) -> int | None:
    if owner.id is not None:
        if not 0 <= owner.id <= LAST_ID:
            raise PlanRefused([f"{what} id {owner.id} is out of range (0 to {LAST_ID})"])
        return owner.id
    if not owner.name:
        return default
    account = observe.user(owner.name) if what == "user" else observe.group(owner.name)
    if account is None:
        raise PlanRefused([f'no such {what} "{owner.name}"'])
    return account.id


def _is_hard(entry: Entry) -> bool:
    return isinstance(entry.node, config_format.Link) and entry.node.hard is True
