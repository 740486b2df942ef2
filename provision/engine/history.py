"""A write-ahead record on the target of what a run does, so that an interrupted run can be continued.

Before a wave changes anything, the record gets the digest of the wave and the old values of everything that the wave
will change. A later run of the same config plans on the machine as it was at the beginning. So it makes the same plan
and can skip the waves that are done. The wave that was interrupted is carried out again (`recovery`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from provision.config.format import Config
from provision.config.problems import Problem
from provision.engine import record_lines
from provision.engine.protocols import RecordFile, System
from provision.engine.record_lines import RecordedFact
from provision.engine.recovery import (
    Remaining,
    account_facts,
    account_side_files,
    appended_digests,
    current_fact,
    leftovers,
    remaining,
)
from provision.engine.verification import agrees, difference
from provision.failures import Failure, Interrupted, PlanRefused
from provision.planning.actions import FetchBlob, Wave
from provision.planning.engine_files import JOURNAL
from provision.planning.facts import ContentFact, FreeSpaceFact
from provision.planning.forecast import Forecast
from provision.planning.machine_view import MachineView, TreeContents
from provision.planning.root.target_paths import resolve_path

RECORD = f"/etc/{JOURNAL}"
"""Path of the record of a files stage in the target root."""

MAX_CONTENT = 1 << 20
"""A file that a plan depends on is stored in the record if it has at most so many bytes."""

Key = tuple[type[RecordedFact], str]

MAX_DIFFERENCES = 10
"""How many differences are named if the work of a finished run is gone."""


class History(Protocol):
    """What the engine needs of a record."""

    def finished(self, system: MachineView) -> bool:
        """Whether nothing is left to do. Raises PlanRefused if the work of a finished run is gone."""
        ...

    def view(self, system: MachineView) -> MachineView:
        """The machine as the plan has to see it."""
        ...

    def begin(self, wave: Wave, view: MachineView, system: System) -> Remaining:
        """Record that a wave begins; returns what is left to do of it."""
        ...

    def leftovers(self, wave: Wave, system: System) -> Wave:
        """Actions that remove the lock files that programs of the wave have left behind."""
        ...

    def finish(self, wave: Wave, view: MachineView) -> None:
        """Record that a wave is done."""
        ...

    def end(self, system: MachineView) -> None:
        """Record that the whole plan is done."""
        ...


class NoHistory:
    """No record: for stages whose plan compares with the machine, and so sees what is done already."""

    def finished(self, _system: MachineView) -> bool:
        """False: the plan sees by itself what is done."""
        return False

    def view(self, system: MachineView) -> MachineView:
        """The machine itself."""
        return system

    def begin(self, wave: Wave, _view: MachineView, _system: System) -> Remaining:
        """Everything is left to do."""
        return Remaining((), wave, wave)

    def leftovers(self, _wave: Wave, _system: System) -> Wave:
        """No actions: without a record it is not known which files are new."""
        return ()

    def finish(self, _wave: Wave, _view: MachineView) -> None:
        """Do nothing."""

    def end(self, _system: MachineView) -> None:
        """Do nothing."""


class FileHistory:
    """The record in a file. It belongs to one config (`digest`) and one machine (`owner`; empty if it is not known).

    A finished record of another config or machine is ignored. Raises Interrupted for an unfinished record of another
    config or machine, and Failure for a file that cannot be read or is damaged.
    """

    def __init__(self, file: RecordFile, digest: str, owner: str = "") -> None:
        self._file = file
        self._config = record_lines.header(digest, owner)
        self._past = _read(file, digest, owner)
        self._position = 0
        self._effects: dict[Key, RecordedFact] = {}

    @property
    def ended(self) -> bool:
        """Whether an earlier run of this config on this machine has ended, even if its work is gone."""
        return self._past.final_facts is not None

    @property
    def interrupted(self) -> bool:
        """Whether an earlier run of this config on this machine has begun and has not ended."""
        return bool(self._past.waves) and not self.ended

    def finished(self, system: MachineView) -> bool:
        """Whether an earlier run of this config on this machine has ended, and everything that it made is unchanged.

        Raises PlanRefused with the differences if something has changed.
        """
        if self._past.final_facts is None:
            return False
        found = [(fact, fact.now(system)) for fact in self._past.final_facts]
        changed = [difference(fact, value) for fact, value in found if not agrees(fact.value, value)]
        if changed:
            more = [f"and {len(changed) - MAX_DIFFERENCES} more"] if len(changed) > MAX_DIFFERENCES else []
            lines = ["this config was applied here, and changed since then:", *changed[:MAX_DIFFERENCES], *more]
            raise PlanRefused(
                [Problem((), line, rule="changed-since-applied") for line in lines],
                hint=f"to apply the config to what is there now, remove {self._file.path}",
            )
        return True

    def view(self, system: MachineView) -> MachineView:
        """The machine with the old values of everything that earlier runs changed."""
        view = RecordedView(system)
        facts = _earliest_facts(self._past.waves)
        view.apply(facts)
        view.enabled_before = _earliest_enabled(self._past.waves)
        if facts:  # files that are written already need no more space
            view.apply([FreeSpaceFact("/", None)])
        return view

    def begin(self, wave: Wave, view: MachineView, system: System) -> Remaining:
        """Record the wave, if it is new; what is left to do of it. Raises Interrupted if the plan is another one."""
        name = _wave_digest(wave)
        read = view.take_reads() if isinstance(view, RecordedView) else PlanReads()
        if self._position >= len(self._past.waves):
            began = _wave_record(name, wave, read, system)
            self._append(record_lines.begun(began))
            self._past = self._past._replace(waves=(*self._past.waves, began))
            return Remaining((), wave, wave)
        began = self._past.waves[self._position]
        if began.wave != name:
            hint = f"an earlier run began something else here; restore the disk, or remove {self._file.path}"
            raise Interrupted(wave[0].title, hint=hint)
        if began.done:  # fetched bytes are lost when the process ends
            again = tuple(one for one in wave if isinstance(one, FetchBlob))
            return Remaining((), again, again)
        return remaining(wave, began, system)

    def leftovers(self, wave: Wave, system: System) -> Wave:
        """Actions that remove lock files of account programs; such a program does not report a lock that it leaves.

        Raises Unresolvable.
        """
        return leftovers(wave, self._past.waves[self._position], system)

    def finish(self, wave: Wave, view: MachineView) -> None:
        """Record that the wave is done; after this the view shows the real values of what the wave has changed."""
        began = self._past.waves[self._position]
        effects = [fact for action in wave for fact in action.effect()]
        later = self._past.waves[self._position + 1 :]
        if not began.done:
            self._append(record_lines.done(began.wave), wait=False)  # if the line is lost, `remaining` finds it out
        self._position += 1
        self._effects.update({(type(fact), fact.name): fact for fact in effects if isinstance(fact, RecordedFact)})
        if isinstance(view, RecordedView):
            view.revert([*began.before, *effects])
            view.apply(_earliest_facts(later))
            view.enabled_before = _earliest_enabled(later)

    def end(self, system: MachineView) -> None:
        """Replace the record by one that only has the facts that are true now. Raises Failure."""
        if not self._position:
            return
        final_facts = [fact for fact in self._effects.values() if agrees(fact.value, fact.now(system))]
        head, last = record_lines.line(self._config, "")
        tail, _ = record_lines.line(record_lines.ended(final_facts), last)
        self._file.replace(head + tail)

    def _append(self, entry: dict[str, object], *, wait: bool = True) -> None:
        """Cut off what an interrupted write left, then write a line. With `wait`, wait until it is on the disk."""
        valid_size = self._past.valid_size
        head, last = (b"", self._past.last) if valid_size else record_lines.line(self._config, "")
        text, last = record_lines.line(entry, last)
        data = head + text
        self._file.write(valid_size, data, wait=wait)
        self._past = self._past._replace(valid_size=valid_size + len(data), last=last)


class PlanReads:
    """What a plan has read: contents by path, and whether units are enabled, by name."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes | None] = {}
        self.enabled: dict[str, bool] = {}


class RecordedView(Forecast):
    """The machine with the facts of a record in place of the real ones; it stores what a plan reads from it."""

    def __init__(self, base: MachineView) -> None:
        super().__init__(base)
        self.enabled_before: Mapping[str, bool] = {}
        self._read = PlanReads()

    def content(self, path: str) -> bytes | None:
        """The bytes in the record, or else those of the file."""
        found = self._answer(ContentFact, path, lambda: self._base.content(path))
        if found is None or len(found) <= MAX_CONTENT:
            self._read.contents.setdefault(path, found)
        return found

    def enabled(self, unit: str) -> bool:
        """The answer in the record, or else that of systemctl."""
        before = self.enabled_before.get(unit)
        found = self._base.enabled(unit) if before is None else before
        return self._read.enabled.setdefault(unit, found)

    def take_reads(self) -> PlanReads:
        """What was read since the last call."""
        read, self._read = self._read, PlanReads()
        return read


def record_path(view: TreeContents) -> str:
    """The path of the record in a target root, with symbolic links resolved. Raises Unresolvable."""
    return resolve_path(view, RECORD)


def digest_of(config: Config) -> str:
    """The SHA-256 of the config in hexadecimal; it identifies a config in a record."""
    from hashlib import sha256

    from provision.config.json_text.encode import encode_stored

    return sha256(encode_stored(config).encode()).hexdigest()


def _read(file: RecordFile, digest: str, owner: str) -> record_lines.ParsedRecord:
    """The record of an earlier run that this run continues; an empty one if there is none. Raises as `FileHistory`."""
    try:
        past = record_lines.parse(file.read() or b"")
    except record_lines.Damaged as error:
        hint = (
            f"what an earlier run did here is unknown: restore the disk, or check it, remove {file.path} and run again"
        )
        raise Failure(f"{file.path}: {error}", hint=hint) from error
    if (past.config, past.owner) == (digest, owner):
        return past
    if past.final_facts is not None or not any(wave.before or wave.appends for wave in past.waves):
        return record_lines.ParsedRecord()  # the other run has ended, or has changed nothing
    what = "provisioning with another config" if past.owner == owner else "provisioning on another machine"
    raise Interrupted(what, hint=f"restore the disk, or remove {file.path}")


def _wave_record(name: str, wave: Wave, read: PlanReads, system: System) -> record_lines.WaveRecord:
    """The record of a wave that begins: the present values of what it will change, and what its plan has read."""
    effects = (fact for action in wave for fact in action.effect() if isinstance(fact, RecordedFact))
    contents = [ContentFact(path, data) for path, data in read.contents.items()]
    databases = account_facts(wave, system)
    facts = (*map(partial(current_fact, system), effects), *contents, *databases)
    beside = account_side_files(system) if databases else ()
    return record_lines.WaveRecord(name, facts, appended_digests(wave, system), beside, read.enabled)


def _earliest_facts(waves: Iterable[record_lines.WaveRecord]) -> list[RecordedFact]:
    """The earliest fact about each thing: its value before all of these waves."""
    first: dict[Key, RecordedFact] = {}
    for fact in (fact for wave in waves for fact in wave.before):
        first.setdefault((type(fact), fact.name), fact)
    return [*first.values()]


def _earliest_enabled(waves: Sequence[record_lines.WaveRecord]) -> dict[str, bool]:
    """Unit -> whether it was enabled before all of these waves."""
    return {unit: found for wave in reversed(waves) for unit, found in wave.enabled.items()}


def _wave_digest(wave: Wave) -> str:
    """16 hexadecimal digits that identify a wave: a digest of the titles of its actions, which hold no secrets."""
    from hashlib import sha256

    return sha256("\n".join(action.title for action in wave).encode()).hexdigest()[:16]
