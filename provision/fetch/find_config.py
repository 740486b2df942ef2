"""The config of this machine: found, fetched, merged with the configs that it names, and validated.

It is looked for on the kernel command line, then as `user.ign` in the system, then in a credential of systemd, then
where the platform has it; the first place that has one decides, and an error there is final.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from provision.config.format import Config, Resource, Verification
from provision.failures import FetchFailed, NeedsNetwork, Usage
from provision.fetch.base_config import EMPTY
from provision.fetch.platforms.context import FetchContext, fetch_context
from provision.fetch.platforms.credentials import find_credential, read_credential
from provision.fetch.platforms.detection import confirmed
from provision.fetch.platforms.trust_settings import trust_policy
from provision.fetch.references import Fetched, ReadOem, render
from provision.fetch.resources import Fetcher
from provision.fetch.running_system import RunningSystem
from provision.fetch.settings import CONFIG_LIMIT, FetchSettings
from provision.fetch.user_data.reading import OtherForms, read_config
from provision.kernel_command_line import ConfigArguments, config_arguments
from provision.log import Log, silent

DRIVE_SECONDS = 30.0
"""How long a drive that the kernel command line names is waited for, as Ignition does."""


AddressesOf = Callable[[str, FetchContext], Mapping[str, str]]
"""Asks a platform for the addresses of this machine, by the names of a cloud-config. Raises FetchFailed."""


def no_addresses(_platform: str, _context: FetchContext) -> Mapping[str, str]:
    """A machine whose addresses are not known."""
    return {}


class FoundConfig(NamedTuple):
    """The config of this machine. `provided` says whether there was one; `fetcher` has the settings it asks for."""

    config: Config
    provided: bool
    fetched: tuple[Fetched, ...]
    fetcher: Fetcher


class _Found(NamedTuple):
    """Where the config was looked for, by Ignition's name, and its bytes; None if there is none."""

    place: str
    raw: bytes | None


def find_config(  # noqa: PLR0913 - what a boot knows
    platform: str,
    running_system: RunningSystem,
    settings: FetchSettings,
    log: Log = silent,
    platform_files: dict[str, bytes] | None = None,
    *,
    addresses: AddressesOf = no_addresses,
) -> FoundConfig:
    """The user's config, merged with all it names, and valid. An empty one counts as none.

    `platform_files` is what the platform handed over earlier in this boot, and takes what it hands over now (see
    FetchContext). `settings.http_total` bounds each fetch until the config itself says how long. The platform `auto` is
    told by the firmware. `addresses` is called only for a cloud-config or script that names an address.

    Raises Usage for an unknown platform, Failure for one that the firmware contradicts, FetchFailed, NeedsNetwork while
    offline, ConfigInvalid, and ConfigEmpty for an empty referenced config.
    """
    trust = trust_policy(running_system)
    platform = confirmed(platform, running_system, log, allow_mismatch=trust.mismatch == "allow")
    settings = settings._replace(platform=platform, unzstd=running_system.unzstd)
    fetcher = Fetcher(settings, log)
    context = fetch_context(running_system, settings, log, platform_files, trust)
    found = _find(platform, context, fetcher)
    own = (Fetched("user", found.place, referenced=False),)
    if not found.raw:
        log("info", f"not a config (empty): {found.place} has none; ignoring user-provided config")
        return FoundConfig(EMPTY, provided=False, fetched=own, fetcher=fetcher.configured_by(EMPTY))
    others = OtherForms(trust.scripts == "run", lambda: addresses(platform, context))
    config = read_config(found.raw, found.place, log, running_system.unzstd, others)
    rendered = render(config, fetcher, log, _oem_reader(config, running_system)).validated(log)
    return FoundConfig(rendered.config, provided=True, fetched=(*own, *rendered.fetched), fetcher=rendered.fetcher)


def _oem_reader(config: Config, running_system: RunningSystem) -> ReadOem | None:
    """What reads the OEM partition, for configs of version 2.x."""
    if config.older is None:
        return None
    from provision.fetch.schemes.oem import oem_reader

    return oem_reader(running_system)


def _find(platform: str, context: FetchContext, fetcher: Fetcher) -> _Found:
    running_system, paths = context.running_system, context.running_system.paths
    arguments = config_arguments(running_system.read_text(paths.kernel_cmdline_path))
    if arguments.urls:
        return _Found("cmdline", _first_of_urls(arguments, fetcher, running_system))
    if arguments.device:
        return _Found("cmdline", _from_drive(arguments, context))
    for directory in paths.directories:
        raw = running_system.read(f"{directory}/user.ign")
        if raw is not None:
            return _Found("system", raw)
    credential = find_credential(running_system, context.log)
    if credential:
        return _Found(credential.place, read_credential(credential, running_system))
    return _Found(platform, _from_platform(platform, context))


def _first_of_urls(arguments: ConfigArguments, fetcher: Fetcher, running_system: RunningSystem) -> bytes:
    if arguments.device:
        fetcher.log("warning", "ignition.config.url is given: ignition.config.device and path are ignored")
    failures = []
    for url in arguments.urls:
        try:
            source = _of_this_machine(url, running_system)
            resource = Resource(source=source, verification=Verification(hash=arguments.hash or None))
            return fetcher.read(resource, CONFIG_LIMIT)
        except NeedsNetwork:
            raise
        except FetchFailed as failure:
            failures.append(failure)
    if len(failures) == 1:
        raise failures[0]
    raise FetchFailed("cmdline", "; ".join(failure.message for failure in failures), hint=failures[-1].hint)


def _of_this_machine(url: str, running_system: RunningSystem) -> str:
    """The URL with the values of its variables; for a file of the OEM partition a data URL. Raises FetchFailed."""
    if url[:4].lower() == "oem:":  # coreos-install -i writes the config there, and this argument
        from provision.fetch.schemes.oem import data_url, oem_reader

        return data_url(url, oem_reader(running_system))
    if "${" not in url:
        return url
    from provision.fetch.url_variables import expanded

    return expanded(url, running_system)


def _from_drive(arguments: ConfigArguments, context: FetchContext) -> bytes:
    """The file of a drive that the kernel command line names. It is accepted on any bus."""
    from posixpath import normpath

    from provision.fetch.platforms.drives import Drive

    path = normpath("/" + arguments.path.lstrip("/"))
    device = Drive(arguments.device, (path,), DRIVE_SECONDS).device(context, is_named=True)
    if device is None:
        late = f"did not appear within {DRIVE_SECONDS:.0f} s"
        raise FetchFailed(f"drive {arguments.device}", late, hint="see ignition.config.device")
    raw = context.running_system.read_from(device, path)
    if raw is None:
        raise FetchFailed(f"drive {arguments.device}: {path}", "not found", hint="see ignition.config.path")
    return raw


def _from_platform(platform: str, context: FetchContext) -> bytes | None:
    from provision.fetch.platforms.table import PLATFORMS

    if platform not in PLATFORMS:
        raise Usage(f"unknown platform {platform!r}", hint="one of " + ", ".join(sorted(PLATFORMS)))
    return PLATFORMS[platform].source.fetch(context)
