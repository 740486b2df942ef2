"""The law: after a fault at any call, further runs end with the result of an undisturbed run, or refuse to work."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import NamedTuple

import provision
from tests.fetch.server import Answer, serve
from tests.real.chaos.contents import Contents
from tests.real.chaos.faults import HANGS, POWER_LOSS, Fault, Run, run_undisturbed, run_with
from tests.real.chaos.images import forget_age
from tests.real.chaos.power_loss import Disk, disk
from tests.real.chaos.scenarios import OF_POWER, PACKED, REMOTE, Scenario

MAX_RUNS = 3
"""Runs without a fault until the end is reached: more would be no way out for a person."""

REFUSAL = "interrupted while"
LAST_LINES = 10
MAX_PATHS = 8
MAX_VALUE = 160
MEMORY = "/dev/shm"
TARGETS = ("root/", "image/")
"""What a run may have changed when it refuses."""


class Verdict(NamedTuple):
    """The result of one chain of faults: `violation` says how the law was broken, or is empty."""

    scenario: str
    faults: Sequence[Fault]
    runs: Sequence[Run]
    violation: str

    @property
    def refused(self) -> bool:
        """Whether the last run refused to work."""
        return bool(self.runs[-1].status)

    def __str__(self) -> str:
        faulted = zip(self.faults, self.runs, strict=False)
        struck = [f"{fault} ({run.struck or 'not reached'})" for fault, run in faulted]
        lines = [line for run in self.runs for line in ("-- run:", *run.output.splitlines()[-LAST_LINES:])]
        return "\n".join((f"{self.scenario}: {', '.join(struck)}", self.violation or "the law holds", *lines))


class Bench:
    """A scenario, ready to be run again and again in one folder."""

    def __init__(self, scenario: Scenario, folder: Path, url: str, power: Disk | None) -> None:
        self._scenario = scenario
        self._folder = folder
        self._power = power
        self._url = url
        self._prepare()
        self._before = scenario.contents(folder)
        undisturbed = run_undisturbed(self._apply, tuple(scenario.errors))
        assert undisturbed.status == 0, undisturbed.output
        self.calls = undisturbed.calls
        self._expected = scenario.contents(folder)

    def judge(self, faults: Sequence[Fault]) -> Verdict:
        """Run once with each fault, then without faults until a run succeeds or refuses."""
        self._prepare()
        runs: list[Run] = []
        broken = ""
        for fault in faults:
            runs.append(run_with(fault, self._apply))
            self._lose_power(fault)
            broken = broken or self._changed_in_part()
        forget_age(self._folder)
        for _ in range(MAX_RUNS):
            runs.append(run_undisturbed(self._apply))
            if runs[-1].status in {0, 70, 99} or runs[-1].status < 0:
                break
        self._lose_power(faults[-1])  # what a run reports as done is on the disk
        return Verdict(self._scenario.name, faults, runs, broken or self._violation(runs))

    def _violation(self, runs: Sequence[Run]) -> str:
        bugs = [run for run in runs if run.status in {70, 99} or "Traceback" in run.output or HANGS in run.struck]
        if bugs:
            return f"no failure but a bug (status {bugs[0].status})"
        if runs[-1].status and REFUSAL not in runs[-1].output:
            return "a refusal that does not name the interruption"
        return self._differences(self._expected, only_outside=bool(runs[-1].status))

    def _changed_in_part(self) -> str:
        if not self._scenario.atomic:
            return ""
        found = self._scenario.contents(self._folder)
        found["left"] = self._expected["left"]  # a killed run cannot remove its temporary file
        return "" if found in (self._before, self._expected) else "a failed run has changed a part of the image"

    def _differences(self, expected: Contents, *, only_outside: bool) -> str:
        found = self._scenario.contents(self._folder)
        differing = sorted(
            path
            for path in {*found, *expected}
            if found.get(path) != expected.get(path) and not (only_outside and path.startswith(TARGETS))
        )
        lines = [
            f"{path}: expected {_short(expected.get(path))}, found {_short(found.get(path))}"
            for path in differing[:MAX_PATHS]
        ]
        more = len(differing) - MAX_PATHS
        return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])

    def _prepare(self) -> None:
        self._scenario.prepare(self._folder)
        self._scenario.write_config(self._folder / "config.ign", self._url)
        if self._power is not None:
            self._power.sync()

    def _lose_power(self, fault: Fault) -> None:
        if self._power is not None and fault.error == POWER_LOSS:
            self._power.lose_power()

    def _apply(self) -> int:
        from provision.cli import run

        return run(self._scenario.command_line(self._folder))


def _short(node: object) -> str:
    text = str(node)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}..."


@contextmanager
def bench(scenario: Scenario) -> Iterator[Bench]:
    """A bench in a folder in memory, where syncing costs nothing, with a server beside it.

    A scenario with power losses has a file system of its own; `apply --image` would not see one that is mounted there.
    """
    preload()
    has_power = scenario.errors is OF_POWER
    memory = MEMORY if os.path.isdir(MEMORY) and not has_power else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, _serving() as url, ExitStack() as stack:
        work = Path(folder, "work")
        work.mkdir()
        power = stack.enter_context(disk(work)) if has_power else None
        yield Bench(scenario, work, url, power)


def preload() -> None:
    """Import what a run may import, so that its children need not."""
    for module in walk_packages(provision.__path__, "provision."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    import_module("urllib3")


@contextmanager
def _serving() -> Iterator[str]:
    """A server in a process of its own: this one forks, and should have no threads."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        with serve({"/remote": Answer(body=REMOTE), "/packed": Answer(body=PACKED)}) as served:
            os.write(writing, served.url.encode())
            signal.pause()
        os._exit(0)
    try:
        yield os.read(reading, 100).decode()
    finally:
        os.close(reading)
        os.close(writing)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
