"""The fetcher of a stage that may have nothing to fetch."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from provision.config.format import Config, Resource
from provision.log import FieldLog

if TYPE_CHECKING:
    from provision.fetch.resources import Fetcher


class DeferredFetcher:
    """A fetcher with the settings of a config; its modules are loaded when the first resource is fetched."""

    def __init__(self, config: Config, platform: str, log: FieldLog) -> None:
        self._config = config
        self._platform = platform
        self._log = log
        self._lock = Lock()
        from provision.fetch.stop_event import StopEvent

        self._stop = StopEvent()
        self._fetcher: Fetcher | None = None

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        """Stream the verified bytes of a resource. Raises FetchFailed."""
        with self._lock:
            self._fetcher = self._fetcher or self._load()
        self._fetcher.copy(resource, into)

    def cancel(self) -> None:
        """Make every fetch that is running fail now."""
        self._stop.set()

    def _load(self) -> Fetcher:
        from provision.fetch.resources import Fetcher
        from provision.fetch.settings import FetchSettings

        return Fetcher(FetchSettings(platform=self._platform), self._log, stop=self._stop).configured_by(self._config)
