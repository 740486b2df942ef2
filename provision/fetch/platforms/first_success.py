"""Asks several sources at once: the first answer counts, and the others go on if one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

from provision.failures import Failure, FetchFailed
from provision.fetch.platforms.trust import NotTrustedError

Place = TypeVar("Place")
Answer = TypeVar("Answer")


def first_success(ways: Sequence[Callable[[Place], Answer]], place: Place, stop: Event, grace: float) -> Answer:
    """The first answer of several functions; the others are told to stop.

    When one has failed the others have `grace` seconds more each; one that is not trusted does not count. Raises
    FetchFailed if all fail.
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
