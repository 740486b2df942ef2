"""Which functions of the code each test calls, so that a change of a function runs the tests that can notice it.

A plugin of pytest. Functions are named `FILE:LINE`, by the line of their first decorator or of `def`. Some calls belong
to all tests, although only the first one makes them: those while a module is imported, a cache is filled, or a fixture
is made that tests share. Python programs that tests start tell their calls through files; a module `sitecustomize`
in the tree makes them do so.
"""

from __future__ import annotations

import ast
import atexit
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    import pytest

SITECUSTOMIZE = """
from tests.called_functions import record_process
record_process({folder!r})
"""


class CalledFunctions(NamedTuple):
    """What a run recorded: test -> its processor seconds, function -> its tests, and the functions of all tests."""

    seconds: dict[str, float]
    tests: dict[str, list[str]]
    shared: list[str]
    failed: list[str]

    def tests_of(self, function: str | None) -> list[str]:
        """The tests that can notice a change of a function, or of a module's own lines (None); the quickest first."""
        everything = function is None or function in self.shared
        found = self.seconds if everything or function is None else self.tests.get(function, [])
        return sorted(found, key=lambda test: self.seconds[test])


def read(report: Path) -> CalledFunctions:
    """What `Recorder` wrote."""
    return CalledFunctions(**json.loads(report.read_text("utf-8")))


def line_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line that a code object has as its first."""
    return min(node.lineno for node in (function, *function.decorator_list))


class Recorder:
    """The plugin. It records functions of a package in the tree, and writes them to `report` at the end."""

    def __init__(self, tree: Path, package: str, report: Path) -> None:
        folder = tree / package
        self.folder, self.report = str(folder), report
        self.processes = report.with_suffix(".processes")
        self.sitecustomize = tree / "sitecustomize.py"
        self.cached = set(_cached_functions(folder))
        self.sharing = 1  # collection
        self.here: set[CodeType] = set()
        self.shared: set[CodeType] = set()
        self.begins_sharing: dict[CodeType, bool] = {}
        self.found = CalledFunctions({}, {}, [], [])

    def pytest_sessionstart(self) -> None:
        self.processes.mkdir()
        self.sitecustomize.write_text(SITECUSTOMIZE.format(folder=str(self.processes)), "utf-8")
        threading.settrace(self._called)
        sys.settrace(self._called)

    def pytest_collection_finish(self) -> None:
        self.sharing = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.found.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        sys.settrace(None)
        self.sitecustomize.unlink()
        self.found.shared.extend(filter(None, map(self._name, self.shared)))
        self.report.write_text(json.dumps(self.found._asdict()), "utf-8")

    def _called(self, frame: FrameType, _event: str, _value: object) -> Any:
        code = frame.f_code
        self.here.add(code)
        if self.sharing:
            self.shared.add(code)
        if code not in self.begins_sharing:
            is_module = code.co_name == "<module>"
            self.begins_sharing[code] = is_module or f"{code.co_filename}:{code.co_firstlineno}" in self.cached
        if not self.begins_sharing[code]:
            return None
        self.sharing += 1
        frame.f_trace_lines = False
        return self._returned

    def _returned(self, _frame: FrameType, event: str, _value: object) -> Any:
        self.sharing -= event == "return"
        return self._returned

    def _name(self, code: CodeType) -> str:
        return f"{code.co_filename}:{code.co_firstlineno}" if code.co_filename.startswith(self.folder) else ""

    def _keep(self, test: str, seconds: float) -> None:
        self.found.seconds[test] = seconds
        called, self.here = self.here, set()
        names = set(map(self._name, called))
        for told in self.processes.iterdir():
            names |= {name for name in told.read_text("utf-8").splitlines() if name.startswith(self.folder)}
            told.unlink()
        for name in names - {""}:
            self.found.tests.setdefault(name, []).append(test)


def plugin(tree: Path, package: str, report: Path) -> Recorder:
    """The plugin with its wrappers; pytest is imported only here, not in the processes that tests start."""
    import pytest

    class Plugin(Recorder):
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
            self.here = set()
            begins = time.process_time()
            result = yield
            self._keep(item.nodeid, time.process_time() - begins)
            return result

        @pytest.hookimpl(wrapper=True)
        def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
            shared = fixturedef.scope != "function"
            self.sharing += shared
            try:
                return (yield)
            finally:
                self.sharing -= shared

    return Plugin(tree, package, report)


def _cached_functions(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and any("cache" in ast.unparse(one) for one in node.decorator_list):
                yield f"{path}:{line_of(node)}"


def record_process(folder: str) -> None:
    """Write the functions that this process calls to a file in the folder, when it ends."""
    codes: set[CodeType] = set()

    def called(frame: FrameType, _event: str, _value: object) -> None:
        codes.add(frame.f_code)

    def tell() -> None:
        sys.settrace(None)
        names = sorted(f"{code.co_filename}:{code.co_firstlineno}" for code in codes)
        Path(folder, f"{os.getpid()}-{time.monotonic_ns()}").write_text("\n".join(names), "utf-8")

    def leave(status: int) -> NoReturn:
        tell()
        end(status)

    end, os._exit = os._exit, leave  # which calls no function of atexit
    atexit.register(tell)
    threading.settrace(called)
    sys.settrace(called)
