"""How the engine fails: one tree of exceptions, each with what to do next.

Failure                      anything a person can act on; the command line prints it and chooses the exit code
|-- Usage                    the command line itself is wrong (exit 2)
|-- ConfigInvalid            a config has errors; carries all of its problems
|-- ConfigEmpty              zero bytes where a config was expected ("not a config (empty)")
|-- FetchFailed              a resource could not be fetched; carries the source and the last cause
|   `-- NeedsNetwork         a resource needs the network, which is not up or not allowed
|-- PlanRefused              what the config asks for cannot be done on this machine; nothing was changed
|-- ActionFailed             a step went wrong; carries the action's title and the tool's output
|-- Interrupted              an earlier run was interrupted and cannot be finished safely
`-- Bug                      this program is wrong: exit 70 (EX_SOFTWARE of sysexits.h), with a traceback

`as_failure` converts every other exception to one of these, so that all errors are shown in the same form.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provision.config.problems import Problem, dotted

if TYPE_CHECKING:
    from provision.config.reports.findings import Finding


class Failure(Exception):
    """Something went wrong that a person can act on.

    `message` says where and what went wrong, one line for each thing; `hint` says what to do next, or is empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Usage(Failure):
    """The command line is wrong."""


class ConfigInvalid(Failure):
    """A config was validated and has errors; `problems` holds all of them, and the warnings.

    `report` is a text that shows them with their places in the config; empty if the text of the config is not known.
    `errors` are the errors alone, each as one line with its place, for the consoles of a boot.
    `error` is the end of the message, and says in general what is wrong.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        source: str = "config",
        error: str = "config is not valid",
        report: str = "",
        errors: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{source}: {error}")
        self.problems = tuple(problems)
        self.source = source
        self.report = report
        self.errors = tuple(errors)


class ConfigEmpty(Failure):
    """A config of zero bytes: on most platforms this means that the user gave no config."""

    def __init__(self, source: str = "config") -> None:
        super().__init__(f"{source}: not a config (empty)")
        self.source = source


class FetchFailed(Failure):
    """A resource could not be fetched. `url` is already redacted; `cause` is the reason of the last attempt."""

    def __init__(self, url: str, cause: str, *, hint: str = "") -> None:
        super().__init__(f"{url}: {cause}", hint=hint)
        self.url = url
        self.cause = cause


class NeedsNetwork(FetchFailed):
    """A resource needs the network, and the network is not up yet or not allowed."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "resource requires networking")


class PlanRefused(Failure):
    """The config cannot be carried out on this machine; nothing was changed. `problems` holds every reason.

    `hint` is for the problems that have no hint of their own. `findings` are the problems with file, line and column;
    empty if the texts of the config are not known.
    """

    def __init__(self, problems: Sequence[Problem], *, hint: str = "") -> None:
        self.problems = tuple(one if one.hint else one._replace(hint=hint) for one in problems)
        hints = dict.fromkeys(one.hint for one in self.problems if one.hint)
        self.findings: Sequence[Finding] = ()
        super().__init__("\n".join(self.reasons), hint="\n".join(hints))

    @property
    def reasons(self) -> tuple[str, ...]:
        """One line for each problem: its path in the config, then the message."""
        return tuple(f"{dotted(one.path)}: {one.message}" if one.path else one.message for one in self.problems)

    @classmethod
    def together(cls, failures: Sequence[Failure]) -> PlanRefused:
        """One refusal with the problems of all failures, without duplicates."""
        problems = [one for each in failures for one in _problems(each)]
        return cls(list(dict.fromkeys(problems)))

    def under(self, *path: str | int) -> PlanRefused:
        """The same refusal with `path` put before the path of each problem."""
        return PlanRefused([one.under(*path) for one in self.problems])


def _problems(failure: Failure) -> Sequence[Problem]:
    if isinstance(failure, PlanRefused):
        return failure.problems
    return (Problem((), failure.message, hint=failure.hint, rule="failed-step"),)


class ActionFailed(Failure):
    """A step went wrong. `output` is the output of the tool, with secrets masked."""

    def __init__(self, title: str, output: str, *, hint: str = "") -> None:
        super().__init__(f"{title}: {output}".rstrip(": "), hint=hint)
        self.title = title
        self.output = output


class Interrupted(Failure):
    """An earlier run stopped during the step `title`, and it is not known how much of the step was done."""

    def __init__(self, title: str, *, hint: str = "") -> None:
        super().__init__(f"interrupted while {title}", hint=hint)
        self.title = title


class Bug(Failure):
    """The program itself is wrong. The message says where, without the exception's text, which may hold a secret."""


def as_failure(error: Exception | KeyboardInterrupt) -> Failure:
    """The failure for an exception: a `Failure` itself, one for errors of the system and lack of memory, or a `Bug`.

    A KeyboardInterrupt is a signal that stops the program (`provision.stop_signals`).
    """
    if isinstance(error, Failure):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Failure(f"stopped by {_signal_name(error)}", hint=STOPPED)
    if _is_out_of_memory(error):
        return Failure("there is not enough memory", hint="give the machine more memory and run it again")
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        hint = HINTS.get(error.errno or 0, "the log of the kernel may say more (dmesg)")
        return Failure(f"{where}{error.strerror}", hint=hint)
    if isinstance(error, ImportError):
        hint = "install it, or install it again; the cause can also be too little memory"
        return Failure(f"the library {error.name or ''} cannot be loaded", hint=hint)
    return Bug(f"a bug in provision: {type(error).__name__}{_place(error)}", hint="please report it with the traceback")


STOPPED = "the time limit of its unit was over, or the machine shuts down; run again, it goes on where it stopped"
"""What to do after a signal."""


def _signal_name(stop: KeyboardInterrupt) -> str:
    from signal import SIGINT, Signals

    return Signals(stop.args[0] if stop.args else SIGINT).name


HINTS = {
    errno.EIO: "a disk or its connection fails: the log of the kernel says which (dmesg)",
    errno.ENOSPC: "free some space on that file system, or give the machine a larger disk",
    errno.EDQUOT: "free some space on that file system, or give the machine a larger disk",
    errno.EROFS: "the file system is read-only: mount it writable, or check whether the disk fails (dmesg)",
    errno.EACCES: "run it as root",
    errno.EPERM: "run it as root with all capabilities (in a container: --privileged)",
}
"""What to do about an error of the system (errno(3))."""


def _is_out_of_memory(error: Exception) -> bool:
    no_thread = isinstance(error, RuntimeError) and "new thread" in str(error)
    return isinstance(error, MemoryError) or no_thread or (isinstance(error, OSError) and error.errno == errno.ENOMEM)


def _place(error: Exception) -> str:
    """Where an exception was raised: ` in engine/execution.py, line 7`; empty if it was not raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" in {'/'.join(trace.tb_frame.f_code.co_filename.split('/')[-2:])}, line {trace.tb_lineno}"
