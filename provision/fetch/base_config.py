"""The config of the system itself: fragments in its directories, merged below the user's config in every stage.

Every stage of a boot reads them, and most systems have none: what reads and merges is loaded when there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from provision.config.format import Config, Ignition
from provision.config.model import NEWEST, VERSIONS
from provision.failures import ConfigEmpty, Failure
from provision.fetch.running_system import RunningSystem
from provision.log import Log, silent

EMPTY = Config(ignition=Ignition(version=VERSIONS[NEWEST]))
"""What stands for the config of a machine that was given none."""


def base_config(platform: str, running_system: RunningSystem, log: Log = silent) -> Config:
    """The fragments of base.d, and over them those of base.platform.d/PLATFORM.

    Raises FetchFailed, ConfigEmpty or ConfigInvalid for base.d; what is wrong with the platform's is only logged, as
    in the reference implementation.
    """
    base = merged(_fragments(running_system, "base.d", log), EMPTY)
    folder = f"base.platform.d/{platform}"
    try:
        return merged(list(_fragments(running_system, folder, log)), base)
    except Failure as problem:
        log("info", f"no config at {folder}: {problem.message}")
        return base


def merged(children: Iterable[Config], config: Config) -> Config:
    """A config with others merged over it, in order."""
    for child in children:
        from provision.config.merge import merge

        config = merge(config, child)
    return config


def _fragments(running_system: RunningSystem, folder: str, log: Log) -> Iterable[Config]:
    """The fragments of a folder in the order of their names; of one name only the strongest directory's counts."""
    places: dict[str, str] = {}
    for directory in reversed(running_system.paths.directories):
        places.update((name, f"{directory}/{folder}/{name}") for name in running_system.names(f"{directory}/{folder}"))
    for _, path in sorted(places.items()):
        from provision.fetch.user_data import read_config

        raw = running_system.read(path)
        if not raw:
            raise ConfigEmpty(path)
        yield read_config(raw, path, log, running_system.run)
