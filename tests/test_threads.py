from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from provision.threads import Task, first_to_end


def test_the_work_is_done_in_another_thread() -> None:
    assert Task(threading.get_ident).result() != threading.get_ident()


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Task(lambda: 1 // 0).result()


def test_the_first_to_end_of_several() -> None:
    go_on = threading.Event()
    waiting, quick = Task(go_on.wait), Task(lambda: True)
    assert first_to_end([waiting, quick], None) is quick
    assert first_to_end([waiting], 0.01) is None
    go_on.set()
    assert first_to_end([waiting], 600) is waiting


def test_no_descriptor_is_left() -> None:
    before = os.listdir("/proc/self/fd")
    for _ in range(20):
        Task(int).result()
    deadline = time.monotonic() + 60
    while len(os.listdir("/proc/self/fd")) > len(before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert os.listdir("/proc/self/fd") == before


REFUSED = """
import os, resource, sys
from threading import Event
from provision.failures import as_failure
from provision.fetch.http.connections import resolve_host
from provision.fetch.platforms.first_success import first_success

def limit(margin):
    if margin < 0:
        os.setresuid(65533, 65533, 65533)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    else:
        pages = int(open("/proc/self/statm").read().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + margin,) * 2)

def outcome(work):
    try:
        return repr(work())
    except Exception as error:
        return as_failure(error).message

def sources():
    ways = [lambda place: (place.wait(0.01), "here")[1]] * 3
    return first_success(ways, Event(), Event(), 60.0)

resolve_host("localhost", 1, 60)  # so that its libraries are loaded
for work in (sources, lambda: bool(resolve_host("localhost", 1, 60))):
    for margin in MARGINS:
        child = os.fork()
        if child == 0:
            limit(margin)
            os.write(1, f"{margin} {outcome(work)}\\n".encode())
            os._exit(0)
        os.waitpid(child, 0)
"""

ENDS = {"'here'", "True", "the system starts no new thread", "there is not enough memory", "Cannot allocate memory"}


def outcomes(margins: list[int]) -> list[str]:
    program = REFUSED.replace("MARGINS", repr(margins))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    return [line.partition(" ")[2] for line in done.stdout.splitlines()]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_machine_that_allows_no_more_threads_is_a_failure() -> None:
    assert outcomes([-1]) == ["the system starts no new thread"] * 2


def test_too_little_memory_for_a_thread_is_a_failure() -> None:
    """Whatever the memory is that is left: a thread runs, or there is a failure; nothing is waited for without end."""
    found = outcomes([margin << 17 for margin in range(0, 240, 6)])
    assert len(found) == 80
    assert set(found) <= ENDS
    assert "the system starts no new thread" in found
