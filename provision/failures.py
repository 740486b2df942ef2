"""How the engine fails: one tree of exceptions, each with what to do next.

Failure                      anything a person can act on; the command line prints it and chooses the exit code
|-- Usage                    the command line itself is wrong (exit 2)
|-- ConfigInvalid            a config has errors; carries all of its problems
|-- ConfigEmpty              zero bytes where a config was expected ("not a config (empty)")
|-- FetchFailed              a resource could not be had; carries the source and the last cause
|   `-- NeedsNetwork         asked for something on a network while offline
|-- PlanRefused              what the config asks for cannot be done on this machine; nothing was changed
|-- ActionFailed             a step went wrong; carries the action's title and the tool's output
`-- Interrupted              an earlier run ended half-way and cannot be finished safely

Every other exception is a bug: a traceback and exit 70 (EX_SOFTWARE of sysexits.h).
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.config.problems import Problem, dotted


class Failure(Exception):
    """Something went wrong that a person can act on.

    `message` says where and what, in one line; `hint` what to do next, or is empty. Where several things went wrong
    each has a line.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Usage(Failure):
    """The command line is wrong."""


class ConfigInvalid(Failure):
    """A config was judged and has errors; `problems` holds all of them, warnings included.

    `report` shows them with their places in the text, where the text is at hand; `error` is the last word.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        source: str = "config",
        error: str = "config is not valid",
        report: str = "",
    ) -> None:
        super().__init__(f"{source}: {error}")
        self.problems = tuple(problems)
        self.source = source
        self.report = report


class ConfigEmpty(Failure):
    """A config of zero bytes: on most platforms this means that none was given."""

    def __init__(self, source: str = "config") -> None:
        super().__init__(f"{source}: not a config (empty)")
        self.source = source


class FetchFailed(Failure):
    """A resource could not be had. `url` is already redacted; `cause` is the last reason seen."""

    def __init__(self, url: str, cause: str, *, hint: str = "") -> None:
        super().__init__(f"{url}: {cause}", hint=hint)
        self.url = url
        self.cause = cause


class NeedsNetwork(FetchFailed):
    """A resource on a network was asked for while the network is not up yet."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "resource requires networking")


class PlanRefused(Failure):
    """The config cannot be carried out on this machine; nothing was changed. `problems` holds every reason.

    `hint` is for the problems that have none of their own.
    """

    def __init__(self, problems: Sequence[Problem], *, hint: str = "") -> None:
        self.problems = tuple(one if one.hint else one._replace(hint=hint) for one in problems)
        hints = dict.fromkeys(one.hint for one in self.problems if one.hint)
        super().__init__("\n".join(self.reasons), hint="\n".join(hints))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each problem in one line, behind its path in the config."""
        return tuple(f"{dotted(one.path)}: {one.message}" if one.path else one.message for one in self.problems)

    @classmethod
    def together(cls, failures: Sequence[Failure]) -> PlanRefused:
        """Several failures as one, each problem once."""
        problems = [one for each in failures for one in _problems(each)]
        return cls(list(dict.fromkeys(problems)))

    def under(self, *path: str | int) -> PlanRefused:
        """The same refusal seen from further up: the paths of its problems behind `path`."""
        return PlanRefused([one.under(*path) for one in self.problems])


def _problems(failure: Failure) -> Sequence[Problem]:
    if isinstance(failure, PlanRefused):
        return failure.problems
    return (Problem((), failure.message, hint=failure.hint),)


class ActionFailed(Failure):
    """A step went wrong. `output` is what the tool said, free of secrets."""

    def __init__(self, title: str, output: str, *, hint: str = "") -> None:
        super().__init__(f"{title}: {output}".rstrip(": "), hint=hint)
        self.title = title
        self.output = output


class Interrupted(Failure):
    """An earlier run stopped while doing `title`, and going on would be guessing."""

    def __init__(self, title: str, *, hint: str = "") -> None:
        super().__init__(f"interrupted while {title}", hint=hint)
        self.title = title
