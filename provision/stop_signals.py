"""The signals that stop the program: INT, TERM and HUP. The run ends in order, and its exit code is 128 + N.

The first of them raises KeyboardInterrupt in the main thread; later ones are ignored, so that nothing interrupts the
clean-up. Exceptions that the stop causes elsewhere (a fetch that is cut off, a program that is ended) do not hide it:
`stopped_by` says for the rest of the process that it was told to stop.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_AGAIN = 0.02
"""Seconds after which a dropped KeyboardInterrupt is raised again."""


class _Handler:
    """The handler of all stop signals. `number` is the first that arrived, `ignores` whether they have no effect."""

    number: int | None = None
    ignores = False

    def __call__(self, number: int, _frame: object) -> None:
        if self.number is None and not self.ignores:
            self.number = number
            raise KeyboardInterrupt(number)

    def again(self, _alarm: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt(self.number)


def handle_stop_signals() -> None:
    """Handle the stop signals from now on. Those that the parent process ignores (nohup(1)) stay ignored.

    Python drops an exception in a finalizer or a callback of a library. A KeyboardInterrupt is then raised again.
    """
    handler = _Handler()
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
    signal.signal(signal.SIGALRM, handler.again)
    sys.unraisablehook = _unraisable


def _unraisable(dropped: UnraisableHookArgs, /) -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
    else:
        sys.__unraisablehook__(dropped)


def stopped_by() -> int | None:
    """The number of the signal that told this process to stop; None if there was none."""
    handler = _handler()
    return handler.number if handler else None


def raise_if_stopped() -> None:
    """Raise KeyboardInterrupt if this process was told to stop."""
    number = stopped_by()
    if number is not None:
        raise KeyboardInterrupt(number)


def ignore_stop_signals() -> None:
    """Ignore stop signals from now on, because the work is done. Raises KeyboardInterrupt if one has arrived before."""
    handler = _handler()
    if handler:
        handler.ignores = True
    raise_if_stopped()


def _handler() -> _Handler | None:
    handlers = map(signal.getsignal, STOP_SIGNALS)
    return next((one for one in handlers if isinstance(one, _Handler)), None)
