"""Asks several sources at once. The first answer counts; if one source fails, the others continue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from provision.failures import Failure, FetchFailed
from provision.fetch.platforms.trust_settings import NotTrustedError
from provision.fetch.stop_event import StopEvent
from provision.threads import Task, first_to_end

Place = TypeVar("Place")
Answer = TypeVar("Answer")


def first_success(ways: Sequence[Callable[[Place], Answer]], place: Place, stop: StopEvent, grace: float) -> Answer:
    """The first answer of several functions, each called in a thread of its own; then `stop` is set for the others.

    After a failure each next answer may take `grace` seconds; a failure because a source is not trusted does not count.
    Raises FetchFailed if all fail, and Failure if the system does not start a thread for each.
    """
    failures: list[Failure] = []
    try:
        asked = [Task(partial(way, place)) for way in ways]
        while asked:
            has_failed = any(not isinstance(failure, NotTrustedError) for failure in failures)
            ended = first_to_end(asked, grace if has_failed else None)
            if ended is None:
                failures.append(FetchFailed("the other sources", f"no answer within {grace:.0f} s more"))
                break
            asked.remove(ended)
            try:
                return ended.result()
            except Failure as failure:
                failures.append(failure)
    finally:
        stop.set()
    raise _all_failed(failures)


def _all_failed(failures: Sequence[Failure]) -> Failure:
    if len(failures) == 1:
        return failures[0]
    hints = {failure.hint: None for failure in failures if failure.hint}
    return FetchFailed("every source", "; ".join(failure.message for failure in failures), hint="; ".join(hints))
