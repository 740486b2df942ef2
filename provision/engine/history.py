"""What was done before an interruption: a write-ahead record on the target, so that the next run can go on.

Before a wave changes anything its number and the world as it was (the facts it is about to change) are written and
synced; after it, that it is done. A later run of the same config plans on the world as it was at the beginning, so it
makes the same plan, and skips what is done. A wave that was under way is carried out again: writing is idempotent, and
what is not (making an account, appending) is skipped where its effect is there already.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from provision.config.format import Config
from provision.failures import Failure, Interrupted
from provision.planning.actions import Action, FetchBlob, MakeHardLink, RunProgram, Wave, WriteFile
from provision.planning.facts import Fact, FileFact, FreeSpaceFact, GroupFact, UserFact
from provision.planning.forecast import Forecast
from provision.planning.machine_view import Account, FileStatus, FileType, MachineView
from provision.planning.target_paths import resolve

_OPEN_FOLDER = 0o755
"""The mode of directories made on the way, whatever the umask is."""

JOURNAL = "/etc/.provision-journal"
"""Where in the target root the record of an unfinished files stage lies."""

JOURNALLED = {"file": FileFact, "user": UserFact, "group": GroupFact}
"""The facts that can be restored from the record; the others are observed again."""

Journalled = FileFact | UserFact | GroupFact


class Due(NamedTuple):
    """What is left of a wave: the actions still to be carried out, and those whose effect is to be verified."""

    pending: Wave
    promised: Wave


class History(Protocol):
    """What an engine asks of it."""

    def view(self, system: MachineView) -> MachineView:
        """The machine as the plan shall see it."""
        ...

    def begin(self, wave: Wave, system: MachineView) -> Due:
        """Note that a wave begins; tells what is left of it."""
        ...

    def finish(self, wave: Wave, view: MachineView) -> None:
        """Note that a wave is done."""
        ...

    def end(self) -> None:
        """Note that the whole plan is done."""
        ...


class NoHistory:
    """For stages whose progress is seen by looking at the machine."""

    def view(self, system: MachineView) -> MachineView:
        """The machine itself."""
        return system

    def begin(self, wave: Wave, _system: MachineView) -> Due:
        """Everything is to be done."""
        return Due(wave, wave)

    def finish(self, _wave: Wave, _view: MachineView) -> None:
        """Nothing to note."""

    def end(self) -> None:
        """Nothing to note."""


class Record(NamedTuple):
    """One wave in the record: a digest of its actions, the world before it, and whether it was finished."""

    wave: str
    before: tuple[Fact, ...]
    done: bool


class _Past(NamedTuple):
    """A record as it was read: its waves, whether the plan came to its end, how many bytes of the file are whole."""

    records: tuple[Record, ...] = ()
    ended: bool = False
    whole: int = 0


class FileHistory:
    """The record in a file (0600) of JSON lines; one for another config than `digest` is not ours to go on from.

    Raises Interrupted for a record that cannot be gone on from, Failure for a file that cannot be read or written.
    """

    def __init__(self, path: str, digest: str) -> None:
        self._path = path
        self._digest = digest
        self._past = _read(path, digest)
        self._position = 0

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to do for this config."""
        return self._past.ended

    def view(self, system: MachineView) -> MachineView:
        """The machine with everything that earlier runs changed as it was before."""
        first: dict[tuple[type[Fact], str], Fact] = {}
        for fact in (fact for record in self._past.records for fact in record.before):
            first.setdefault((type(fact), fact.name), fact)
        forecast = Forecast(system)
        forecast.apply(first.values())
        if first:  # what has been written has its room already
            forecast.apply([FreeSpaceFact("/", None)])
        return forecast

    def begin(self, wave: Wave, system: MachineView) -> Due:
        """What is left of a wave. Raises Interrupted when the plan is not the one that was begun."""
        if self._position >= len(self._past.records):
            facts = [fact for action in wave for fact in action.effect() if isinstance(fact, Journalled)]
            self._append({"wave": _name(wave), "before": [_to_json(fact, fact.now(system)) for fact in facts]})
            return Due(wave, wave)
        record = self._past.records[self._position]
        if record.wave != _name(wave):
            hint = "an earlier run began something else here; restore the disk or remove " + self._path
            raise Interrupted(wave[0].title, hint=hint)
        if record.done:
            # what was fetched is gone with the process that fetched it
            again = () if self._past.ended else tuple(one for one in wave if isinstance(one, FetchBlob))
            return Due(again, again)
        return Due(tuple(one for one in wave if not _happened(one, record.before, system)), wave)

    def finish(self, wave: Wave, view: MachineView) -> None:
        """The wave is done; from now on the machine itself answers for what it changed."""
        past = self._past.records
        if self._position >= len(past) or not past[self._position].done:
            self._append({"done": _name(wave)}, wait=False)  # the next line takes it along; lost, it is found out again
        self._position += 1
        if isinstance(view, Forecast):
            view.revert(fact for action in wave for fact in action.effect())

    def end(self) -> None:
        """From now on there is nothing left to do for this config."""
        if not self._past.ended and self._position:
            self._append({"ended": True})

    def _append(self, entry: dict[str, Any], *, wait: bool = True) -> None:
        """Write a line and wait until it is on the disk. What an interrupted write left behind is cut off first."""
        lines = [json.dumps(entry)]
        if not self._past.whole:
            lines.insert(0, json.dumps({"config": self._digest}))
        data = ("\n".join(lines) + "\n").encode()
        try:
            _make_folders(os.path.dirname(self._path))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.truncate(self._past.whole)
                file.seek(self._past.whole)
                file.write(data)
                file.flush()
                if wait:
                    os.fsync(descriptor)
        except OSError as error:
            raise Failure(
                f"{self._path}: {error.strerror}", hint="is the root file system full or read-only?"
            ) from None
        self._past = self._past._replace(whole=self._past.whole + len(data))


def record_path(root: str, view: MachineView) -> str:
    """Where the record lies in a target root, whose links lead to nowhere else."""
    return root.rstrip("/") + resolve(view, JOURNAL)


def digest_of(config: Config) -> str:
    """Tells one config from another."""
    from hashlib import sha256

    from provision.config.json_text.encode import encode

    return sha256(encode(config).encode()).hexdigest()


def _make_folders(path: str) -> None:
    """The directories of the record where a root has none yet: open to all, as the files stage would make them."""
    if not os.path.isdir(path):
        _make_folders(os.path.dirname(path))
        mask = os.umask(0o777 - _OPEN_FOLDER)  # in one step: a run that is killed leaves no closed one behind
        try:
            os.mkdir(path, _OPEN_FOLDER)
        finally:
            os.umask(mask)


def _read(path: str, digest: str) -> _Past:
    """What is on the disk, as far as it is whole: a line that was cut short never happened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            lines = list(_whole_lines(file.read()))
    except FileNotFoundError:
        return _Past()
    except OSError as error:
        raise Failure(
            f"{path}: {error.strerror}", hint="it should be the record of an earlier run: remove it"
        ) from None
    if not lines:
        return _Past()
    past = _past(lines)
    if lines[0][0] == {"config": digest}:
        return past
    if past.ended or not any(record.before for record in past.records):
        return _Past()  # what came to its end, or changed nothing, is no interruption: this is a new first boot
    raise Interrupted("provisioning with another config", hint=f"restore the disk, or remove {path}")


def _whole_lines(data: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """Each line that can be read, with the length of the file up to its end."""
    length = 0
    for line in data.splitlines(keepends=True):
        try:
            entry = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            return
        length += len(line)
        yield entry, length


def _past(lines: list[tuple[dict[str, Any], int]]) -> _Past:
    records: list[Record] = []
    for line, _ in lines[1:]:
        if "done" in line:
            records[-1] = records[-1]._replace(done=True)
        elif "wave" in line and (not records or records[-1].done):
            records.append(Record(line["wave"], tuple(_from_json(fact) for fact in line["before"]), done=False))
    return _Past(tuple(records), any("ended" in line for line, _ in lines), lines[-1][1])


def _name(wave: Wave) -> str:
    """A digest that tells one wave from another and holds no secret."""
    from hashlib import sha256

    return sha256("\n".join(action.title for action in wave).encode()).hexdigest()[:16]


def _happened(action: Action, before: tuple[Fact, ...], system: MachineView) -> bool:
    """Whether an action that must not be done twice was done already. Raises Interrupted where half of it was."""
    if isinstance(action, RunProgram):
        return _ran(action, {(type(fact), fact.name): fact.value for fact in before}, system)
    if isinstance(action, WriteFile) and action.keep:
        size = next((fact.value.size for fact in before if isinstance(fact.value, FileStatus)), None)
        now = system.file_status(action.path)
        return now is not None and now.size != size
    if isinstance(action, MakeHardLink):
        name, target = system.file_status(action.path), system.file_status(action.target)
        return name is not None and target is not None and name.identity == target.identity
    return False


def _ran(action: RunProgram, before: dict[tuple[type[Fact], str], object], system: MachineView) -> bool:
    """A program that makes or removes accounts ran if they came or went; one that changes them may run again."""
    facts = [fact for fact in action.effect() if isinstance(fact, Journalled)]
    turning = [fact for fact in facts if (before.get((type(fact), fact.name)) is None) != (fact.value is None)]
    turned = [fact for fact in turning if (fact.now(system) is None) == (fact.value is None)]
    if turned and len(turned) < len(turning):
        raise Interrupted(action.title, hint="undo it in the target root (userdel, groupdel), or restore the disk")
    return bool(turned)


def _to_json(fact: Journalled, now: FileStatus | Account | None) -> list[Any]:
    kind = next(name for name, one in JOURNALLED.items() if isinstance(fact, one))
    if isinstance(now, FileStatus):
        return [kind, fact.name, [now.kind.value, *now[1:]]]
    return [kind, fact.name, list(now) if now else None]


def _from_json(entry: list[Any]) -> Journalled:
    kind, name, parts = entry
    if kind == "file":
        return FileFact(name, parts and FileStatus(FileType(parts[0]), *parts[1:-1]))
    account = Account(*parts) if parts else None
    return UserFact(name, account) if kind == "user" else GroupFact(name, account)
