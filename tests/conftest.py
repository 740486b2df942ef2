"""What all tests share: Hypothesis profiles, and the wheel that is tested as a whole.

A run of the tests always tries the same examples, so that it tells about the change and not about luck; `make laws`
asks for `fuzz`, which looks for new ones. `make check` and `make mutants` try `few`, `make test` some more.
"""

from __future__ import annotations

import fcntl
import gc
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fetch.certificates import Authority, authority
from tests.recorded_log import RecordedLog

settings.register_profile(
    "default", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", settings.get_profile("default"), derandomize=False, max_examples=20_000)
settings.register_profile("few", settings.get_profile("default"), max_examples=15)
settings.load_profile("default")

gc.set_threshold(50_000, 20, 50)
"""Thousands of collected tests live until the end: looking for garbage as often as usual costs a sixth of the run."""

HOUSE = Path(__file__).parents[1]

BOOT_SECONDS = 2400
"""A test that boots a virtual machine may take this long; every other test has the limit of pyproject.toml."""


LONGEST = ("tests/real/boot/", "/test_in_user_mode_linux.py", "tests/packaging/", "tests/real/")
"""What takes minutes on one worker, and what takes many seconds. It starts first, so that no worker ends alone."""


@contextmanager
def building_alone() -> Iterator[None]:
    """Wait until no other worker builds: setuptools keeps its intermediate files in the checkout."""
    with (HOUSE / "pyproject.toml").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("boot"):
            item.add_marker(pytest.mark.timeout(BOOT_SECONDS))
    items.sort(key=lambda item: next((n for n, path in enumerate(LONGEST) if path in str(item.path)), 9))


def pytest_collection_finish() -> None:
    """What is there now lives until the end, so no search for garbage looks at it again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason to skip: what a machine lacks is read once, however many tests want it."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count}: {reason}")


@pytest.fixture
def log() -> RecordedLog:
    return RecordedLog()


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that issues certificates for servers of the tests."""
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The wheel of this checkout. The worker that needs it first builds it for all."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "wheel"
    with building_alone():
        if not list(folder.glob("*.whl")):
            # setuptools puts what it once copied there into the wheel too: modules that were moved since
            shutil.rmtree(HOUSE / "build", ignore_errors=True)
            argv = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder)]
            done = subprocess.run(argv, cwd=HOUSE, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(folder.glob("*.whl"))
