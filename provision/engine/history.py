"""What an earlier run did, so that the next one can go on where it was interrupted: a write-ahead record on the target.

Before a wave changes anything, the record says which wave it is and how everything was that it will change. A later
run of the same config plans on the machine as it was at the beginning, so it makes the same plan, and skips the waves
that are done. The wave that was under way is carried out again (`recovery`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from provision.config.format import Config
from provision.config.problems import Problem
from provision.engine import record_lines
from provision.engine.interfaces import RecordFile, System
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
from provision.planning.facts import ContentFact, FreeSpaceFact
from provision.planning.forecast import Forecast
from provision.planning.machine_view import Contents, MachineView
from provision.planning.root.target_paths import resolve

RECORD = "/etc/.provision-journal"
"""Where in the target root the record of a files stage lies."""

MAX_CONTENT = 1 << 20
"""Bytes of a file that are kept in the record at most, where a plan depends on them."""

Key = tuple[type[RecordedFact], str]

MAX_DIFFERENCES = 10
"""Differences that are named where a finished run's work is gone."""


class History(Protocol):
    """What an engine asks of it."""

    def finished(self, system: MachineView) -> bool:
        """Whether there is nothing left to do. Raises PlanRefused where the work of a finished run is gone."""
        ...

    def view(self, system: MachineView) -> MachineView:
        """The machine as the plan shall see it."""
        ...

    def begin(self, wave: Wave, view: MachineView, system: System) -> Remaining:
        """Record that a wave begins; returns what is left to do of it."""
        ...

    def leftovers(self, wave: Wave, system: System) -> Wave:
        """What removes the files that programs of the wave should have removed themselves."""
        ...

    def finish(self, wave: Wave, view: MachineView) -> None:
        """Record that a wave is done."""
        ...

    def end(self, system: MachineView) -> None:
        """Record that the whole plan is done."""
        ...


class NoHistory:
    """For stages whose progress is seen by looking at the machine."""

    def finished(self, _system: MachineView) -> bool:
        """The plan tells."""
        return False

    def view(self, system: MachineView) -> MachineView:
        """The machine itself."""
        return system

    def begin(self, wave: Wave, _view: MachineView, _system: System) -> Remaining:
        """Everything is left to do."""
        return Remaining((), wave, wave)

    def leftovers(self, _wave: Wave, _system: System) -> Wave:
        """What was there before is not known."""
        return ()

    def finish(self, _wave: Wave, _view: MachineView) -> None:
        """Nothing to record."""

    def end(self, _system: MachineView) -> None:
        """Nothing to record."""


class FileHistory:
    """The record in a file. It belongs to one config (`digest`) and one machine (`owner`; empty for one unknown).

    A finished record of another config or machine counts for nothing: this is a new first boot. Raises Interrupted for
    an unfinished one, and Failure for a file that cannot be read or is damaged.
    """

    def __init__(self, file: RecordFile, digest: str, owner: str = "") -> None:
        self._file = file
        self._config = record_lines.header(digest, owner)
        self._past = _read(file, digest, owner)
        self._position = 0
        self._effects: dict[Key, RecordedFact] = {}

    @property
    def ended(self) -> bool:
        """Whether an earlier run of this config on this machine came to its end, whatever is left of its work."""
        return self._past.final_facts is not None

    @property
    def interrupted(self) -> bool:
        """Whether an earlier run of this config on this machine began and did not come to its end."""
        return bool(self._past.waves) and not self.ended

    def finished(self, system: MachineView) -> bool:
        """Whether an earlier run of this config on this machine came to its end, and all that it made is still so.

        Raises PlanRefused that names what is not.
        """
        if self._past.final_facts is None:
            return False
        found = [(fact, fact.now(system)) for fact in self._past.final_facts]
        changed = [difference(fact, value) for fact, value in found if not agrees(fact.value, value)]
        if changed:
            more = [f"and {len(changed) - MAX_DIFFERENCES} more"] if len(changed) > MAX_DIFFERENCES else []
            lines = ["this config was applied here, and changed since then:", *changed[:MAX_DIFFERENCES], *more]
            raise PlanRefused(
                [Problem((), line) for line in lines],
                hint=f"to apply the config to what is there now, remove {self._file.path}",
            )
        return True

    def view(self, system: MachineView) -> MachineView:
        """The machine with everything that earlier runs changed as it was before them."""
        view = RecordedView(system)
        facts = _earliest_facts(self._past.waves)
        view.apply(facts)
        view.enabled_before = _earliest_enabled(self._past.waves)
        if facts:  # what has been written has its room already
            view.apply([FreeSpaceFact("/", None)])
        return view

    def begin(self, wave: Wave, view: MachineView, system: System) -> Remaining:
        """What is left of a wave. Raises Interrupted when the plan is not the one that was begun."""
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
        if began.done:  # what was fetched is gone with the process that fetched it
            again = tuple(one for one in wave if isinstance(one, FetchBlob))
            return Remaining((), again, again)
        return remaining(wave, began, system)

    def leftovers(self, wave: Wave, system: System) -> Wave:
        """What removes locks that programs left beside the account files: where removing failed they say nothing."""
        return leftovers(wave, self._past.waves[self._position], system)

    def finish(self, wave: Wave, view: MachineView) -> None:
        """The wave is done; from now on the machine itself answers for what it changed."""
        began = self._past.waves[self._position]
        effects = [fact for action in wave for fact in action.effect()]
        later = self._past.waves[self._position + 1 :]
        if not began.done:
            self._append(record_lines.done(began.wave), wait=False)  # lost, it is found out again
        self._position += 1
        self._effects.update({(type(fact), fact.name): fact for fact in effects if isinstance(fact, RecordedFact)})
        if isinstance(view, RecordedView):
            view.revert([*began.before, *effects])
            view.apply(_earliest_facts(later))
            view.enabled_before = _earliest_enabled(later)

    def end(self, system: MachineView) -> None:
        """From now on the record only says what holds. Raises Failure."""
        if not self._position:
            return
        final_facts = [fact for fact in self._effects.values() if agrees(fact.value, fact.now(system))]
        head, last = record_lines.line(self._config, "")
        tail, _ = record_lines.line(record_lines.ended(final_facts), last)
        self._file.replace(head + tail)

    def _append(self, entry: dict[str, object], *, wait: bool = True) -> None:
        """Write a line, and wait until it is on the disk. What an interrupted write left behind is cut off first."""
        valid_size = self._past.valid_size
        head, last = (b"", self._past.last) if valid_size else record_lines.line(self._config, "")
        text, last = record_lines.line(entry, last)
        data = head + text
        self._file.write(valid_size, data, wait=wait)
        self._past = self._past._replace(valid_size=valid_size + len(data), last=last)


class PlanReads:
    """What a plan read: contents by path, whether units are enabled."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes | None] = {}
        self.enabled: dict[str, bool] = {}


class RecordedView(Forecast):
    """The machine with facts of a record laid over it, which notes what a plan reads and a later wave may change."""

    def __init__(self, base: MachineView) -> None:
        super().__init__(base)
        self.enabled_before: Mapping[str, bool] = {}
        self._read = PlanReads()

    def content(self, path: str) -> bytes | None:
        """The bytes that the record has, or those of the file."""
        found = self._answer(ContentFact, path, lambda: self._base.content(path))
        if found is None or len(found) <= MAX_CONTENT:
            self._read.contents.setdefault(path, found)
        return found

    def enabled(self, unit: str) -> bool:
        """What the record says, or systemctl."""
        before = self.enabled_before.get(unit)
        found = self._base.enabled(unit) if before is None else before
        return self._read.enabled.setdefault(unit, found)

    def take_reads(self) -> PlanReads:
        """What was read since this was last called."""
        read, self._read = self._read, PlanReads()
        return read


def record_path(view: Contents) -> str:
    """Where the record lies in a target root: a path that no link leads away from. Raises Unresolvable."""
    return resolve(view, RECORD)


def digest_of(config: Config) -> str:
    """Tells one config from another."""
    from hashlib import sha256

    from provision.config.json_text.encode import encode

    return sha256(encode(config).encode()).hexdigest()


def _read(file: RecordFile, digest: str, owner: str) -> record_lines.ParsedRecord:
    """What the file has of an earlier run that this one goes on from. Raises Failure, Interrupted."""
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
        return record_lines.ParsedRecord()  # what came to its end, or changed nothing, is no interruption
    what = "provisioning with another config" if past.owner == owner else "provisioning on another machine"
    raise Interrupted(what, hint=f"restore the disk, or remove {file.path}")


def _wave_record(name: str, wave: Wave, read: PlanReads, system: System) -> record_lines.WaveRecord:
    """How everything is that a wave will change, and what the plan has read of it."""
    effects = (fact for action in wave for fact in action.effect() if isinstance(fact, RecordedFact))
    contents = [ContentFact(path, data) for path, data in read.contents.items()]
    databases = account_facts(wave, system)
    facts = (*map(partial(current_fact, system), effects), *contents, *databases)
    beside = account_side_files(system) if databases else ()
    return record_lines.WaveRecord(name, facts, appended_digests(wave, system), beside, read.enabled)


def _earliest_facts(waves: Iterable[record_lines.WaveRecord]) -> list[RecordedFact]:
    """The first fact about each thing."""
    first: dict[Key, RecordedFact] = {}
    for fact in (fact for wave in waves for fact in wave.before):
        first.setdefault((type(fact), fact.name), fact)
    return [*first.values()]


def _earliest_enabled(waves: Sequence[record_lines.WaveRecord]) -> dict[str, bool]:
    """The first answer about each unit."""
    return {unit: found for wave in reversed(waves) for unit, found in wave.enabled.items()}


def _wave_digest(wave: Wave) -> str:
    """A digest that tells one wave from another and holds no secret."""
    from hashlib import sha256

    return sha256("\n".join(action.title for action in wave).encode()).hexdigest()[:16]
