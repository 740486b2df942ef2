"""What a search for the config works with: made once by `find_config`, and handed down to every source."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provision.fetch.platforms.trust import TrustPolicy
from provision.fetch.running_system import RunningSystem
from provision.fetch.settings import Settings
from provision.log import Log, silent

if TYPE_CHECKING:
    from threading import Event


class FetchContext(NamedTuple):
    """What a source works with. `stop` is set when another source was faster.

    `platform_files` takes what the platform hands over only once a boot, by its path in the installed system. What an
    earlier stage of this boot got is there already.
    """

    running_system: RunningSystem
    settings: Settings
    log: Log
    stop: Event
    platform_files: dict[str, bytes]
    trust: TrustPolicy = TrustPolicy()


def fetch_context(
    running_system: RunningSystem,
    settings: Settings,
    log: Log = silent,
    platform_files: dict[str, bytes] | None = None,
    trust: TrustPolicy | None = None,
) -> FetchContext:
    """The context of a search that nothing else stops."""
    from threading import Event

    files = {} if platform_files is None else platform_files
    return FetchContext(running_system, settings, log, Event(), files, trust or TrustPolicy())
