"""Asks several sources at once. The first answer counts; if one source fails, the others continue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

from provision.failures import Failure, FetchFailed
from provision.fetch.platforms.trust_settings import NotTrustedError

Place = TypeVar("Place")
Answer = TypeVar("Answer")


def first_success(ways: Sequence[Callable[[Place], Answer]], place: Place, stop: Event, grace: float) -> Answer:
    """The first answer of several functions, each called in a thread of its own; then `stop` is set for the others.

    After a failure each next answer may take `grace` seconds; a failure because a source is not trusted does not count.
    Raises FetchFailed if all fail.
    """
    answers: SimpleQueue[tuple[Answer] | BaseException] = SimpleQueue()
    for way in ways:
        Thread(target=_answer, args=(way, place, answers), daemon=True).start()
    failures: list[Failure] = []
    try:
        for _ in ways:
            has_failed = any(not isinstance(failure, NotTrustedError) for failure in failures)
            got = answers.get(timeout=grace if has_failed else None)
            if isinstance(got, tuple):
                return got[0]
            if not isinstance(got, Failure):
                raise got
            failures.append(got)
    except Empty:
        failures.append(FetchFailed("the other sources", f"no answer within {grace:.0f} s more"))
    finally:
        stop.set()
    raise _all_failed(failures)


def _answer(way: Callable[[Place], Answer], place: Place, answers: SimpleQueue[tuple[Answer] | BaseException]) -> None:
    try:
        answers.put((way(place),))
    except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for it
        answers.put(error)


def _all_failed(failures: Sequence[Failure]) -> Failure:
    if len(failures) == 1:
        return failures[0]
    hints = {failure.hint: None for failure in failures if failure.hint}
    return FetchFailed("every source", "; ".join(failure.message for failure in failures), hint="; ".join(hints))
