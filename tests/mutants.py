"""A sampled mutation run: small changes of the code that the unit tests should notice.

    python -m tests.mutants [--count 120] [--seed 1] [--only transpiler]

Each sampled change (a mutant) is made in a copy of the tree, and tests of its package run there until one fails. What
no test notices survives and is printed as a diff. cosmic-ray runs one test command for every mutant, which takes
minutes here; this script runs only tests that call the changed function (`tests.called_functions`), the nearest and
quickest first, in forks of a process that has imported the libraries.
"""

from __future__ import annotations

import argparse
import ast
import ctypes
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from difflib import unified_diff
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import called_functions
from tests.called_functions import CalledFunctions

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "transpiler": ("tests/transpiler", "tests/docs"),
    "provision/config": ("tests/config", "tests/docs"),
    "provision/stages": ("tests/stages",),
}
SHARE = {"transpiler": 0.5, "provision/config": 0.3, "provision/stages": 0.2}
SLOW = (
    "tests/config/test_fuzz.py",
    "tests/config/test_limits.py",
    "tests/config/reports/test_streams.py",
    "tests/transpiler/test_limits.py",
    "tests/transpiler/test_surroundings.py",
)
"""Tests that start many processes or read huge configs. They run for changes of their own module only."""

FIRST = ("tests/transpiler/test_golden.py",)
"""Tests that notice most changes. They run together with those of the module."""

RECORDING, LEAST = 1800, 20
"""Processor seconds that the tests may take while calls are recorded, and at least with each change."""

WAITING = 30
"""The tests of a change fail if they take longer than their processor seconds so many times."""

LIBRARIES = ("hypothesis.strategies", "_hypothesis_pytestplugin", "jsonschema", "yaml", "urllib3", "http.server")
"""What the tests of every change import; the packages themselves are imported anew."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class Mutant(NamedTuple):
    """A change: the file, the place and number of the node that is changed."""

    path: str
    line: int
    number: int


def mutants(package: str, copy: Path) -> Iterator[Mutant]:
    """Every change that could be made in a package of the copy."""
    for path in sorted((copy / package).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for number, (node, _) in enumerate(_places(tree)):
            yield Mutant(str(path.relative_to(copy)), getattr(node, "lineno", 0), number)


def mutated(text: str, number: int) -> str:
    """The text of a module with one change."""
    tree = ast.parse(text)
    node, kind = list(_places(tree))[number]
    _change(node, kind)
    return ast.unparse(ast.fix_missing_locations(tree))


def function_of(text: str, number: int) -> int | None:
    """The line of the function that a change is in; None if it is in the lines that run on import."""
    tree = ast.parse(text)
    changed = list(_places(tree))[number][0]
    found = None
    for function in ast.walk(tree):  # an inner function comes after the outer one
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            node is changed for line in function.body for node in ast.walk(line)
        ):
            found = called_functions.line_of(function)
    return found


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """The nodes that can be changed, and how; not in annotations, docstrings, messages and declarations."""
    silent = set(_silent(tree))
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
            yield node, "compare"
        elif isinstance(node, ast.BoolOp):
            yield node, "and/or"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node, "not"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            yield node, "+/-"
        elif isinstance(node, ast.Constant) and type(node.value) in {int, bool}:
            yield node, "constant"
        elif isinstance(node, ast.If | ast.IfExp):
            yield node, "condition"
        elif isinstance(node, ast.Continue | ast.Break):
            yield node, "jump"
        elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
            yield node, "return"
        elif isinstance(node, ast.comprehension) and node.ifs:
            yield node, "filter"


def _silent(tree: ast.AST) -> Iterator[int]:
    """What is not changed: annotations, whatever only type checkers read, and assertions about lengths."""
    for node in ast.walk(tree):
        inner: list[ast.AST | None] = []
        if isinstance(node, ast.AnnAssign | ast.arg):
            inner.append(node.annotation)
        if isinstance(node, ast.FunctionDef):
            inner.append(node.returns)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            inner.append(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "value":  # of provision.config.model
            inner += [one for one in node.keywords if one.arg == "default"]
        if isinstance(node, ast.keyword) and ast.unparse(node) == "strict=True":  # of zip
            inner.append(node)
        for one in inner:
            yield from (id(below) for below in ast.walk(one)) if one is not None else ()


def _change(node: ast.AST, kind: str) -> None:
    if isinstance(node, ast.Compare):
        node.ops[0] = COMPARED[type(node.ops[0])]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.BinOp):
        node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, ast.If | ast.IfExp):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Return):
        node.value = ast.Constant(None)
    elif isinstance(node, ast.comprehension):
        node.ifs = []
    elif kind == "jump":
        node.__class__ = ast.Break if isinstance(node, ast.Continue) else ast.Continue


def nearest(path: str) -> str:
    """The file of tests that has the module's name; if there is none, the nearest folder above it."""
    module = Path(path)
    tests = Path("tests") / module.relative_to("provision" if path.startswith("provision/") else ".")
    own = tests.with_name(f"test_{tests.name}")
    return str(next(one for one in (own, *own.parents) if (ROOT / one).exists()))


def survives(mutant: Mutant, copy: Path, calls: CalledFunctions) -> bool:
    """Whether all tests that can notice the change pass although it was made.

    They run in two parts, because most changes fail in the first, and few files of tests are imported in no time.
    """
    target = copy / mutant.path
    whole, times = target.read_text("utf-8"), target.stat()
    line = function_of(whole, mutant.number)
    chosen = calls.tests_of(f"{target}:{line}" if line else None)
    own = nearest(mutant.path)
    first = (own, *FIRST)
    near = [test for test in chosen if test.startswith(first)]
    others = [test for test in chosen if not test.startswith(first)]
    parts = [part for part in (near, others, [own] if own in SLOW else []) if part]
    seconds = LEAST + 2 * sum(calls.seconds[test] for test in chosen)
    target.write_text(mutated(whole, mutant.number), "utf-8")
    changed = times.st_mtime + 1 + mutant.number  # kept byte-code is never that of another change
    os.utime(target, (changed, changed))
    try:
        return all(passes(tests, copy, seconds) for tests in parts)
    finally:
        target.write_text(whole, "utf-8")
        os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def passes(tests: list[str], copy: Path, seconds: float) -> bool:
    """Whether tests pass in the copy; tests that take more processor seconds do not."""
    status = run_pytest(["-x", *dict.fromkeys(test.split("::")[0] for test in tests)], copy, Only(tests), seconds)
    return status in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}


class Only:
    """A plugin of pytest: run these tests only, in this order. Whole files are left as they are."""

    def __init__(self, tests: list[str]) -> None:
        self.tests = [test for test in tests if "::" in test]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        names = {item.nodeid: item for item in items}
        if self.tests:
            items[:] = [names[test] for test in self.tests if test in names]


def run_pytest(argv: list[str], copy: Path, plugin: object, seconds: float) -> int:
    """Run pytest in a fork of this process, for so many processor seconds. Returns its status, negative if killed."""
    child = os.fork()
    if child == 0:
        _become_pytest(argv, copy, plugin, seconds)
    ends = time.monotonic() + WAITING * seconds
    status = None
    try:
        while status is None and time.monotonic() < ends:
            ended, waited = os.waitpid(child, os.WNOHANG)
            status = os.waitstatus_to_exitcode(waited) if ended else None
            time.sleep(0.02)
    finally:
        if status is None:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return -signal.SIGKILL if status is None else status


def _become_pytest(argv: list[str], copy: Path, plugin: object, seconds: float) -> None:
    """Run the tests in this process, which has just been forked, and end it."""
    status = 70
    try:
        for stop in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(stop, signal.SIG_DFL)
        os.setsid()
        _end_with_parent()
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
        os.chdir(copy)
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(silent, stream)
        sys.path[0] = os.environ["PYTHONPATH"] = str(copy)
        sys.modules.pop("tests", None)
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", "--hypothesis-profile=few"]
        options += [f"--basetemp={copy.parent / 'pytest'}"]  # what other runs left in /tmp would be looked through
        options += ["-m", "not disks and not boot and not network and not peer", "--timeout=120"]
        status = pytest.main([*options, *argv], plugins=[plugin])
    finally:
        os._exit(status)


def _end_with_parent() -> None:
    """Have this process killed when its parent ends, however that ends (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main() -> int:
    """Sample, run, print survivors and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=PACKAGES)
    given = parser.parse_args()
    source = random.Random(given.seed)
    killed = total = 0
    for stop in (signal.SIGTERM, signal.SIGHUP):  # so that the copy is removed
        if signal.getsignal(stop) is not signal.SIG_IGN:
            signal.signal(stop, lambda *_: sys.exit(1))
    for library in LIBRARIES:
        import_module(library)
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        copy = Path(directory).resolve() / "tree"
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".*", "build", "dist", "__pycache__"))
        for package in [given.only] if given.only else PACKAGES:
            calls = recorded(package, copy)
            found = list(mutants(package, copy))
            count = given.count if given.only else round(given.count * SHARE[package])
            for mutant in source.sample(found, min(count, len(found))):
                total += 1
                if survives(mutant, copy, calls):
                    print(f"survived: {mutant.path}:{mutant.line}\n{_diff(mutant, copy)}", flush=True)
                else:
                    killed += 1
                print(f"{killed} of {total} killed ({package})", file=sys.stderr, flush=True)
    print(f"{killed} of {total} mutants killed: {100 * killed // max(total, 1)} % (seed {given.seed})")
    return 0


def recorded(package: str, copy: Path) -> CalledFunctions:
    """Run the tests of a package without any change. Returns which functions each of them calls."""
    report = copy.parent / f"{package.replace('/', '-')}.json"
    ignored = [f"--ignore={path}" for path in SLOW]
    plugin = called_functions.plugin(copy, package, report)
    if run_pytest([*ignored, *PACKAGES[package]], copy, plugin, RECORDING) not in {0, pytest.ExitCode.TESTS_FAILED}:
        sys.exit(f"the tests of {package} do not run")
    calls = called_functions.read(report)
    if calls.failed and not passes(calls.failed, copy, RECORDING):  # some may fail only because recording is slow
        sys.exit(f"tests of {package} fail without any change: {' '.join(calls.failed)}")
    return calls


def _diff(mutant: Mutant, copy: Path) -> str:
    before = (copy / mutant.path).read_text("utf-8")
    plain = ast.unparse(ast.parse(before)).splitlines()
    lines = unified_diff(plain, mutated(before, mutant.number).splitlines(), lineterm="", n=1)
    return "\n".join(f"    {line}" for line in list(lines)[2:])


if __name__ == "__main__":
    sys.exit(main())
