"""What is left to do of the wave during which a run was interrupted.

Most actions can be repeated with the same result. Two kinds cannot. For appending to a file, digests of the content
show whether it was done. A program that changes accounts may have been stopped at any point: the account files are
restored from the record, and the program runs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.engine.protocols import System
from provision.engine.record_lines import RecordedFact, WaveRecord
from provision.failures import Interrupted
from provision.planning.actions import Action, Wave
from provision.planning.arguments import Content
from provision.planning.facts import ContentFact, FileFact, GroupFact, UserFact
from provision.planning.file_actions import MakeDirectory, RemovePath, WriteFile
from provision.planning.machine_view import Account, FileStatus, FileType
from provision.planning.root.target_paths import resolve_path

ACCOUNT_FILES = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
"""Files in /etc that the programs of shadow-utils change; of each they keep a copy whose name ends in `-`."""

Facts = dict[tuple[type[RecordedFact], str], object]


class Remaining(NamedTuple):
    """What is left of a wave: actions that restore old values, actions to do after that, and actions to verify."""

    restoring: Wave
    pending: Wave
    verified: Wave


def remaining(wave: Wave, began: WaveRecord, system: System) -> Remaining:
    """What is left of a wave that has begun. Raises Interrupted if the present state cannot be explained."""
    before: Facts = {(type(fact), fact.name): fact.value for fact in began.before}
    restoring = tuple(
        one for action in wave if _changes_accounts(action) for one in _restoring(action, before, began, system)
    )
    return Remaining(restoring, tuple(action for action in wave if not _is_appended(action, began, system)), wave)


def appended_digests(wave: Wave, system: System) -> dict[str, tuple[str, str]]:
    """Path -> digests of the content before and after the wave, for each file that is appended to."""
    return {one.path: system.append_digests(one) for one in wave if isinstance(one, WriteFile) and _appends(one)}


def current_fact(system: System, fact: RecordedFact) -> RecordedFact:
    """The same fact with its present value."""
    if isinstance(fact, FileFact):
        return FileFact(fact.name, fact.now(system))
    if isinstance(fact, ContentFact):
        return ContentFact(fact.name, fact.now(system))
    return type(fact)(fact.name, fact.now(system))


def account_facts(wave: Wave, system: System) -> list[RecordedFact]:
    """If a wave changes accounts: the present account files, and the homes that its programs may remove or move.

    Raises Unresolvable.
    """
    actions = [action for action in wave if _changes_accounts(action)]
    if not actions:
        return []
    homes = {home for action in actions for home in _old_homes(action, system)}
    paths = [f"{_etc(system)}/{name}" for name in _all_names()]
    files: list[RecordedFact] = [FileFact(path, system.file_status(path)) for path in (*paths, *sorted(homes))]
    return [*files, *(ContentFact(path, system.content(path)) for path in paths)]


def account_side_files(system: System) -> tuple[str, ...]:
    """Names in /etc that begin with the name of an account file: lock files and unfinished files.

    Raises Unresolvable.
    """
    return tuple(name for name in system.children(_etc(system)) if name.startswith(ACCOUNT_FILES))


def leftovers(wave: Wave, began: WaveRecord, system: System) -> Wave:
    """Actions that remove lock files and unfinished files that appeared while a wave changed accounts.

    Raises Unresolvable.
    """
    if not any(map(_changes_accounts, wave)):
        return ()
    return tuple(_removing_new_names(began, system))


def _appends(action: WriteFile) -> bool:
    return action.keep and bool(action.parts)


def _is_appended(action: Action, began: WaveRecord, system: System) -> bool:
    """Whether a file was appended to already. Raises Interrupted if its content is neither the old nor the new one."""
    if not isinstance(action, WriteFile) or not _appends(action):
        return False
    before, after = began.appends[action.path]
    now = system.append_digests(action)[0]
    if now not in {before, after}:
        raise Interrupted(
            action.title, hint="another program changed the file since then: restore it, or restore the disk"
        )
    return now == after


def _changes_accounts(action: Action) -> bool:
    return any(isinstance(fact, UserFact | GroupFact) for fact in action.effect())


def _old_homes(action: Action, system: System) -> Iterator[str]:
    """Homes that a program removes, or moves."""
    for fact in action.effect():
        account = fact.now(system) if isinstance(fact, UserFact) else None
        if account is not None and account.home and not _keeps_home(account, fact.value):
            yield resolve_path(system, account.home)


def _keeps_home(account: Account, expected: object) -> bool:
    return isinstance(expected, Account) and expected.home == account.home


def _restoring(action: Action, before: Facts, began: WaveRecord, system: System) -> Iterator[Action]:
    """Actions that restore the account files, and remove what a program made beside them."""
    yield from _restoring_homes(action, before, system)
    etc = _etc(system)
    for name in _all_names():
        yield from _restoring_file(f"{etc}/{name}", before, system)
    yield from _removing_new_names(began, system)


def _removing_new_names(began: WaveRecord, system: System) -> Iterator[Action]:
    known = {*began.beside, *_all_names()}
    yield from (RemovePath(f"{_etc(system)}/{name}") for name in account_side_files(system) if name not in known)


def _restoring_file(path: str, before: Facts, system: System) -> Iterator[Action]:
    content, status = before.get((ContentFact, path)), before.get((FileFact, path))
    if isinstance(content, bytes) and isinstance(status, FileStatus):
        now = system.file_status(path)
        if system.content(path) != content or now is None or now[1:4] != status[1:4]:
            yield WriteFile(path, (Content(content),), status.mode or 0o600, status.uid, status.gid)
    elif status is None and system.file_status(path) is not None:
        yield RemovePath(path)


def _restoring_homes(action: Action, before: Facts, system: System) -> Iterator[Action]:
    """Actions that remove new homes, and make an empty home where the repeated program expects one to remove.

    Raises Interrupted if a home was being moved.
    """
    made = [fact.name for fact in action.effect() if isinstance(fact, FileFact) and fact.value is not None]
    new = [path for path in made if before.get((FileFact, path)) is None and system.file_status(path) is not None]
    yield from (RemovePath(path) for path in new if not any(path.startswith(f"{other}/") for other in new))
    for fact in action.effect():
        account = before.get((UserFact, fact.name)) if isinstance(fact, UserFact) else None
        if not isinstance(account, Account) or not account.home or _keeps_home(account, fact.value):
            continue
        home = resolve_path(system, account.home)
        status = before.get((FileFact, home))
        if isinstance(status, FileStatus) and status.kind is FileType.DIRECTORY and system.file_status(home) is None:
            if fact.value is not None:
                raise Interrupted(action.title, hint=f"move the home back to {account.home}, or restore the disk")
            yield MakeDirectory(home, status.mode or 0o700, status.uid, status.gid)


def _etc(system: System) -> str:
    return resolve_path(system, "/etc/.")


def _all_names() -> tuple[str, ...]:
    return (*ACCOUNT_FILES, *(f"{name}-" for name in ACCOUNT_FILES))
