"""Whatever ends a run is told in the same form."""

from __future__ import annotations

import errno
import os
from typing import TypeVar

import pytest

from provision.cli import exit_code
from provision.failures import Bug, Failure, Usage, as_failure

E = TypeVar("E", bound=BaseException)


def raised(error: E) -> E:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (Failure("itself", hint="do this"), "itself", "do this"),
        (OSError(errno.EIO, "Input/output error", "/dev/vda"), "/dev/vda: Input/output error", "dmesg"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device", "free some space"),
        (OSError(errno.EBADF, os.strerror(errno.EBADF)), "Bad file descriptor", "dmesg"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "there is not enough memory", "more memory"),
        (ImportError("no", name="urllib3"), "the library urllib3 cannot be loaded", "install it"),
        (MemoryError(), "there is not enough memory", "more memory"),
        (RuntimeError("can't start new thread"), "there is not enough memory", "more memory"),
        (KeyboardInterrupt(15), "stopped by SIGTERM", "run again"),
        (KeyboardInterrupt(), "stopped by SIGINT", "run again"),
    ],
)
def test_what_the_machine_refuses_is_a_failure_that_says_what_to_do(
    error: Exception | KeyboardInterrupt, message: str, hint: str
) -> None:
    failure = as_failure(raised(error))
    assert failure.message == message
    assert hint in failure.hint
    assert exit_code(failure) == 1


def test_a_bug_says_that_it_is_one_and_where_and_no_more() -> None:
    failure = as_failure(raised(ValueError("canary")))
    assert isinstance(failure, Bug)
    assert failure.message.startswith("a bug in provision: ValueError in tests/test_failures.py, line ")
    assert "canary" not in failure.message + failure.hint
    assert exit_code(failure) == os.EX_SOFTWARE


def test_wrong_use_has_an_exit_code_of_its_own() -> None:
    assert exit_code(Usage("what?")) == 2
