"""The config of the system itself, merged below the user's config in every stage.

It is made of fragments in the system's directories, of what `provision.user_data=lock` adds, and of the cloud-config of
the image's maker (/usr/share/oem/cloud-config.yml), which Container Linux applies before the user's.

Every stage of a boot reads them, and most systems have none: what reads and merges is loaded when there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from provision.config.format import Config, Ignition
from provision.config.model import NEWEST, VERSIONS
from provision.failures import ConfigEmpty, Failure
from provision.fetch.platforms.trust_settings import trust_policy
from provision.fetch.running_system import RunningSystem
from provision.log import Log, silent

OEM_CLOUD_CONFIG = "cloud-config.yml"

EMPTY = Config(ignition=Ignition(version=VERSIONS[NEWEST]))
"""The config of a machine that was given none."""


def base_config(platform: str, running_system: RunningSystem, log: Log = silent) -> Config:
    """The lock of the metadata service if it is wanted, over it the fragments of base.d, then base.platform.d/PLATFORM.

    Raises FetchFailed, ConfigEmpty or ConfigInvalid for base.d; what is wrong with the platform's fragments is only
    logged, as Ignition does. Raises Failure for an unknown value of a setting.
    """
    base = merged(_fragments(running_system, "base.d", log), _lock(platform, running_system, log))
    base = merged(_oem_cloud_config(running_system, log), base)
    folder = f"base.platform.d/{platform}"
    try:
        return merged(list(_fragments(running_system, folder, log)), base)
    except Failure as problem:
        log("info", f"no config at {folder}: {problem.message}")
        return base


def _lock(platform: str, running_system: RunningSystem, log: Log) -> Config:
    """The config that shuts the metadata service for all users but root; EMPTY if that is not wanted."""
    if trust_policy(running_system).user_data != "lock":
        return EMPTY
    from provision.fetch.platforms.detection import confirmed
    from provision.fetch.platforms.metadata_lock import metadata_lock
    from provision.fetch.platforms.table import PLATFORMS

    platform = confirmed(platform, running_system, allow_mismatch=True)
    lock = metadata_lock(PLATFORMS[platform].source) if platform in PLATFORMS else None
    if lock is None:
        log("info", f"the platform {platform} has no metadata service with a known address to shut")
        return EMPTY
    return EMPTY.changed(storage=lock)


def _oem_cloud_config(running_system: RunningSystem, log: Log) -> Iterable[Config]:
    """The cloud-config of the image's maker, if there is one. Raises ConfigInvalid, FetchFailed."""
    path = f"{running_system.paths.oem_lookaside_dir}/{OEM_CLOUD_CONFIG}"
    raw = running_system.read(path)
    if raw:
        from provision.fetch.user_data.reading import OtherForms, read_config

        yield read_config(raw, path, log, running_system.unzstd, OtherForms(suffix="-oem"))


def merged(children: Iterable[Config], config: Config) -> Config:
    """A config with others merged over it, in order."""
    for child in children:
        from provision.config.merge import merge

        config = merge(config, child)
    return config


def _fragments(running_system: RunningSystem, folder: str, log: Log) -> Iterable[Config]:
    """The fragments of a folder in the order of their names; a stronger directory hides a weaker one's of that name."""
    places: dict[str, str] = {}
    for directory in reversed(running_system.paths.directories):
        places.update((name, f"{directory}/{folder}/{name}") for name in running_system.names(f"{directory}/{folder}"))
    for _, path in sorted(places.items()):
        from provision.fetch.user_data.reading import read_config

        raw = running_system.read(path)
        if not raw:
            raise ConfigEmpty(path)
        yield read_config(raw, path, log, running_system.unzstd)
