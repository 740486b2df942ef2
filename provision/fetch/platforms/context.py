"""The context of a search for the config. `find_config` makes it once and passes it to every source."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provision.fetch.platforms.trust_settings import TrustPolicy
from provision.fetch.running_system import RunningSystem
from provision.fetch.settings import FetchSettings
from provision.log import Log, silent

if TYPE_CHECKING:
    from provision.fetch.stop_event import StopEvent


class FetchContext(NamedTuple):
    """What a source works with. `stop` is set when another source was faster.

    Some platforms give out data only once in a boot. A source puts such data into `platform_files`, under its path in
    the installed system; data that an earlier stage of this boot got is already there.
    """

    running_system: RunningSystem
    settings: FetchSettings
    log: Log
    stop: StopEvent
    platform_files: dict[str, bytes]
    trust: TrustPolicy = TrustPolicy()


def fetch_context(
    running_system: RunningSystem,
    settings: FetchSettings,
    log: Log = silent,
    platform_files: dict[str, bytes] | None = None,
    trust: TrustPolicy | None = None,
) -> FetchContext:
    """A context with a `stop` of its own. Without `trust` the default policy holds."""
    from provision.fetch.stop_event import StopEvent

    files = {} if platform_files is None else platform_files
    return FetchContext(running_system, settings, log, StopEvent(), files, trust or TrustPolicy())
