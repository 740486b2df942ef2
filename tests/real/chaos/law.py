"""The law: after a fault at any call, further runs end with the result of an undisturbed run, or refuse to work."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import NamedTuple

import provision
from tests.fetch.server import Answer, serve
from tests.real.chaos.faults import Fault, Run, run_with
from tests.real.chaos.scenarios import PACKED, REMOTE, Scenario

RESULT = "etc/.ignition-result.json"
STATE = "state"
"""The state file holds the time, and a seed that may be random."""

DATE = re.compile(rb'"provisioningDate": "[^"]*"')
MAX_RUNS = 3
"""Runs without a fault until the end is reached: more would be no way out for a person."""

REFUSAL = "interrupted while"


class Verdict(NamedTuple):
    """The result of one chain of faults: `violation` says how the law was broken, or is empty."""

    violation: str
    refused: bool
    calls: int
    runs: tuple[Run, ...]


class Bench:
    """A scenario, ready to be run again and again in one folder."""

    def __init__(self, scenario: Scenario, folder: Path, url: str) -> None:
        self._scenario = scenario
        self._folder = folder
        self._root = folder / "root"
        self._config = folder / "config.ign"
        scenario.write_config(self._config, url)
        self.calls = {memory: self._undisturbed(memory=memory) for memory in (False, True)}
        self._expected = snapshot(folder)

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self._scenario.name

    def judge(self, faults: Sequence[Fault]) -> Verdict:
        """Run once with each fault, then without faults until a run succeeds or refuses."""
        self._reset()
        runs = [run_with(fault, self._apply) for fault in faults]
        for _ in range(MAX_RUNS):
            runs.append(run_with(Fault(), self._apply))
            if runs[-1].status in {0, 70, 99} or runs[-1].status < 0:
                break
        return Verdict(self._violation(runs), bool(runs[-1].status), sum(run.calls for run in runs), tuple(runs))

    def _violation(self, runs: Sequence[Run]) -> str:
        bugs = [run for run in runs if run.status in {70, 99} or "Traceback" in run.output or "hangs" in run.struck]
        if bugs:
            return f"no failure but a bug: {bugs[0].output[-600:]}"
        if runs[-1].status and REFUSAL not in runs[-1].output:
            return f"a refusal that does not name the interruption: {runs[-1].output[-600:]}"
        found = snapshot(self._folder)
        outside = {path for path in {*found, *self._expected} if not path.startswith("root/")}
        differing = sorted(
            path
            for path in {*found, *self._expected}
            if found.get(path) != self._expected.get(path) and (not runs[-1].status or path in outside)
        )
        return "; ".join(f"{path}: expected {self._expected.get(path)}, found {found.get(path)}" for path in differing)

    def _undisturbed(self, *, memory: bool) -> int:
        self._reset()
        run = run_with(Fault(memory=memory), self._apply)
        assert run.status == 0, run.output
        return run.calls

    def _reset(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        for left in self._folder.glob("state*"):
            left.unlink()
        self._root.mkdir()
        self._scenario.make_root(self._root)
        outside = self._folder / "outside"
        if not outside.exists():
            outside.mkdir()
            (outside / "file").write_text("not ours")
        (self._root / "leads-out").symlink_to(outside)

    def _apply(self) -> int:
        from provision.cli import run

        return run(self._scenario.command_line(self._folder))


@contextmanager
def bench(scenario: Scenario, folder: Path) -> Iterator[Bench]:
    """A bench with a server beside it."""
    preload()
    with _serving() as url:
        yield Bench(scenario, folder, url)


def preload() -> None:
    """Import what a run may import, so that its children need not."""
    for module in walk_packages(provision.__path__, "provision."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    import_module("requests")


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


def snapshot(folder: Path) -> dict[str, object]:
    """Everything below a folder that an undisturbed run makes the same each time: times are left out."""
    nodes: dict[str, object] = {}
    names: dict[tuple[int, int], str] = {}
    for path in sorted(folder.rglob("*")):
        name, found = str(path.relative_to(folder)), path.lstat()
        first = names.setdefault((found.st_dev, found.st_ino), name)
        attributes = tuple(
            (key, os.getxattr(path, key, follow_symlinks=False)) for key in os.listxattr(path, follow_symlinks=False)
        )
        what: object = None
        if stat.S_ISLNK(found.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(found.st_mode):
            data = path.read_bytes()
            data = DATE.sub(b"", data) if name.endswith(RESULT) else b"" if name == STATE else data
            what = data if len(data) < 200 else hashlib.sha256(data).hexdigest()
        nodes[name] = (oct(found.st_mode), found.st_uid, found.st_gid, what, first if first != name else "", attributes)
    return nodes
