"""A stop signal cannot be lost, and cannot interrupt the clean-up."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

BEGIN = """
import os, signal, sys, time
from provision.stop_signals import handle_stop_signals, ignore_stop_signals, stopped_by
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
handle_stop_signals()
me = os.getpid()
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_counts_and_later_ones_do_not_disturb(number: int) -> None:
    code = f"""
try:
    os.kill(me, {number}); time.sleep(60)
except KeyboardInterrupt as stop:
    for later in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(me, later)
    print(stop.args[0], stopped_by())
"""
    assert run(code) == f"{number:d} {number:d}"


def test_a_stop_that_python_drops_comes_again() -> None:
    code = """
class Dropping:
    def __del__(self):
        os.kill(me, signal.SIGTERM)
try:
    Dropping()
    time.sleep(60)
except KeyboardInterrupt as stop:
    print(stop.args[0])
"""
    assert run(code) == "15"


def test_a_failure_after_a_stop_is_not_the_exit_code() -> None:
    code = """
from provision.cli import run
try:
    os.kill(me, signal.SIGTERM); time.sleep(60)
except KeyboardInterrupt:
    print(run(["provision", "validate", "/nonexistent"]))
"""
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "143"


def test_a_finished_run_ignores_signals() -> None:
    assert run("ignore_stop_signals(); os.kill(me, signal.SIGINT); time.sleep(0); print(stopped_by())") == "None"


def test_ignored_signals_stay_ignored() -> None:
    code = """
signal.signal(signal.SIGHUP, signal.SIG_IGN)
handle_stop_signals()
os.kill(me, signal.SIGHUP); time.sleep(0); print(stopped_by())
"""
    assert run(code) == "None"
