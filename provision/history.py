"""What was done before an interruption: a write-ahead record on the target, so that the next run can go on.

Before a wave changes anything its number and the world as it was (the facts it is about to change) are written and
synced; after it, that it is done. A later run of the same config plans on the world as it was at the beginning, so it
makes the same plan, and skips what is done. A wave that was under way is carried out again: writing is idempotent, and
what is not (making an account, appending) is skipped where its effect is there already.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple, Protocol

from provision.actions import Action, HardLink, Run, Wave, Write
from provision.failures import Interrupted
from provision.forecast import Forecast
from provision.observe import Account, Fact, Kind, Node, Observe, Value

_OPEN_FOLDER = 0o755
"""The mode of directories made on the way, whatever the umask is."""

JOURNAL = "/etc/.provision-journal"
"""Where in the target root the record of an unfinished files stage lies."""

JOURNALLED = frozenset({"node", "user", "group"})
"""The kinds of facts that can be restored from the record; the others are observed again."""


class History(Protocol):
    """What an engine asks of it."""

    def view(self, system: Observe) -> Observe:
        """The machine as the plan shall see it."""
        ...

    def begin(self, wave: Wave, system: Observe) -> Wave:
        """Note that a wave begins; tells which of its actions are still to be done."""
        ...

    def finish(self, wave: Wave, view: Observe) -> None:
        """Note that a wave is done."""
        ...


class NoHistory:
    """For stages whose progress is seen by looking at the machine."""

    def view(self, system: Observe) -> Observe:
        """The machine itself."""
        return system

    def begin(self, wave: Wave, _system: Observe) -> Wave:
        """Everything is to be done."""
        return wave

    def finish(self, _wave: Wave, _view: Observe) -> None:
        """Nothing to note."""


class Record(NamedTuple):
    """One wave in the record: a digest of its actions, the world before it, and whether it was finished."""

    wave: str
    before: tuple[Fact, ...]
    done: bool


class FileHistory:
    """The record in a file (0600) of JSON lines; one for another config than `digest` is not ours to go on from."""

    def __init__(self, path: str, digest: str) -> None:
        self._path = path
        self._digest = digest
        self._records = _read(path, digest)
        self._position = 0

    def view(self, system: Observe) -> Observe:
        """The machine with everything that earlier runs changed as it was before."""
        first: dict[tuple[str, str], Fact] = {}
        for fact in (fact for record in self._records for fact in record.before):
            first.setdefault((fact.kind, fact.name), fact)
        forecast = Forecast(system)
        forecast.lay(first.values())
        return forecast

    def begin(self, wave: Wave, system: Observe) -> Wave:
        """What is left to do of a wave. Raises Interrupted when the plan is not the one that was begun."""
        if self._position < len(self._records):
            record = self._records[self._position]
            if record.wave != _name(wave):
                raise Interrupted(
                    wave[0].title,
                    hint="an earlier run began something else here; restore the disk or remove " + self._path,
                )
            return () if record.done else tuple(one for one in wave if not _happened(one, record.before, system))
        before = tuple(_before(fact, system) for action in wave for fact in action.effect() if fact.kind in JOURNALLED)
        self._append({"wave": _name(wave), "before": [_to_json(fact) for fact in before]})
        return wave

    def finish(self, wave: Wave, view: Observe) -> None:
        """The wave is done; from now on the machine itself answers for what it changed."""
        if self._position >= len(self._records) or not self._records[self._position].done:
            self._append({"done": _name(wave)})
        self._position += 1
        if isinstance(view, Forecast):
            view.lift(fact for action in wave for fact in action.effect())

    def _append(self, entry: dict[str, Any]) -> None:
        new = not os.path.exists(self._path)
        _make_folders(os.path.dirname(self._path))
        lines = ([json.dumps({"config": self._digest})] if new else []) + [json.dumps(entry)]
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, ("\n".join(lines) + "\n").encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _make_folders(path: str) -> None:
    """The directories of the record where a root has none yet: open to all, as the files stage would make them."""
    if not os.path.isdir(path):
        _make_folders(os.path.dirname(path))
        os.mkdir(path)
        os.chmod(path, _OPEN_FOLDER)


def _read(path: str, digest: str) -> list[Record]:
    try:
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []
    if not lines or lines[0] != {"config": digest}:
        raise Interrupted("provisioning with another config", hint=f"restore the disk, or remove {path}")
    records: list[Record] = []
    for line in lines[1:]:
        if "done" in line:
            records[-1] = records[-1]._replace(done=True)
        elif not records or records[-1].done:
            records.append(Record(line["wave"], tuple(_from_json(fact) for fact in line["before"]), done=False))
    return records


def _name(wave: Wave) -> str:
    """A digest that tells one wave from another and holds no secret."""
    from hashlib import sha256

    return sha256("\n".join(action.title for action in wave).encode()).hexdigest()[:16]


def _before(fact: Fact, system: Observe) -> Fact:
    value: Value = getattr(system, fact.kind)(fact.name)
    return Fact(fact.kind, fact.name, value)


def _happened(action: Action, before: tuple[Fact, ...], system: Observe) -> bool:
    """Whether an action that must not be done twice was done already."""
    if isinstance(action, Run):
        changed = [fact for fact in action.effect() if fact.kind in JOURNALLED]
        return bool(changed) and all((_before(fact, system).value is None) == (fact.value is None) for fact in changed)
    if isinstance(action, Write) and action.keep:
        size = next((fact.value.size for fact in before if isinstance(fact.value, Node)), None)
        now = system.node(action.path)
        return now is not None and now.size != size
    return isinstance(action, HardLink) and system.node(action.path) is not None


def _to_json(fact: Fact) -> list[Any]:
    value = fact.value
    if isinstance(value, Node):
        return [fact.kind, fact.name, [value.kind.value, *value[1:]]]
    return [fact.kind, fact.name, list(value) if isinstance(value, Account) else None]


def _from_json(entry: list[Any]) -> Fact:
    kind, name, parts = entry
    if parts is None:
        return Fact(kind, name, None)
    if kind == "node":
        node = Node(Kind(parts[0]), **dict(zip(Node._fields[1:-1], parts[1:-1], strict=True)))
        return Fact(kind, name, node)
    return Fact(kind, name, Account(*parts))
