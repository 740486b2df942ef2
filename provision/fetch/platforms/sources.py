"""The protocol of sources, and sources that combine others. A source is a frozen value with a method `fetch`.

`fetch` returns the bytes of the config, or None if there is no config, which is no error on most platforms.
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import NamedTuple, Protocol

from provision.failures import FetchFailed
from provision.fetch.platforms.context import FetchContext

POLL_SECONDS = 1.0
"""Seconds after which a source looks for a drive again even without an event."""


class Source(Protocol):
    """A place where a platform keeps the config."""

    @property
    def offline(self) -> bool:
        """Whether it works without a network."""
        ...

    def fetch(self, context: FetchContext) -> bytes | None:
        """The bytes of the config, None if there is none. Raises FetchFailed or NeedsNetwork."""
        ...

    def describe(self) -> str:
        """Where the config is: one line of Markdown for docs/reference/platforms.md."""
        ...


class NoSource(NamedTuple):
    """The source of a platform that has no config of its own."""

    offline: bool = True

    def fetch(self, _context: FetchContext) -> bytes | None:
        """None."""
        return None

    def describe(self) -> str:
        """Where the config of such a machine comes from."""
        return "none: a kernel argument names the config, or it is `user.ign` in the system"


class ConfigFile(NamedTuple):
    """The file that the environment variable IGNITION_CONFIG_FILE names, for tests and trials."""

    offline: bool = True

    def fetch(self, context: FetchContext) -> bytes | None:
        """Read the file. Raises FetchFailed if it is missing."""
        path = context.running_system.paths.config_file
        raw = context.running_system.read(path)
        if raw is None:
            raise FetchFailed(path, "no such file", hint="name the config in IGNITION_CONFIG_FILE")
        return raw

    def describe(self) -> str:
        """The name of the variable and the default path."""
        return "file named by `IGNITION_CONFIG_FILE`, else `config.ign` in the working directory"


class FirstOf(NamedTuple):
    """Sources in order: the next one is asked if one has no config."""

    sources: tuple[Source, ...]

    @property
    def offline(self) -> bool:
        """Whether the first source works without a network."""
        return self.sources[0].offline

    def fetch(self, context: FetchContext) -> bytes | None:
        """The config of the first source that has one."""
        return next((raw for raw in (source.fetch(context) for source in self.sources) if raw), None)

    def describe(self) -> str:
        """All sources, in order."""
        return "; else ".join(source.describe() for source in self.sources)


class Together(NamedTuple):
    """Sources asked at the same time. The first answer counts; if one fails, the others continue."""

    sources: tuple[Source, ...]

    @property
    def offline(self) -> bool:
        """Whether all sources work without a network."""
        return all(source.offline for source in self.sources)

    def fetch(self, context: FetchContext) -> bytes | None:
        """The first answer. Raises FetchFailed, which names the cause of each, if all fail."""
        from provision.fetch.platforms.first_success import first_success
        from provision.fetch.stop_event import StopEvent

        if context.settings.offline and not self.offline:
            return next(source for source in self.sources if not source.offline).fetch(context)  # which asks for one
        stop = StopEvent()
        ways = [source.fetch for source in self.sources]
        return first_success(ways, context._replace(stop=stop), stop, context.settings.grace)

    def describe(self) -> str:
        """All sources."""
        return "at once: " + "; ".join(source.describe() for source in self.sources)


def together(*sources: Source) -> Together:
    """Sources asked at the same time."""
    return Together(sources)


def first_of(*sources: Source) -> FirstOf:
    """Sources asked one after the other."""
    return FirstOf(sources)


def base64(raw: bytes) -> bytes:
    """Decode base64; line breaks are allowed. Raises ValueError."""
    return a2b_base64(b"".join(raw.split()), strict_mode=True)
