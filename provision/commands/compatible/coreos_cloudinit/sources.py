"""Where coreos-cloudinit reads user data and metadata: a table with a row for each option.

Source: the files `datasource/*/*.go` of coreos/coreos-cloudinit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from provision.config.format import HttpHeader, Resource
from provision.config.machine_addresses import NAMES
from provision.config.model import Secret
from provision.failures import Failure, FetchFailed
from provision.fetch.settings import CONFIG_LIMIT, FetchSettings
from provision.kernel_command_line import arguments
from provision.log import Log


class GivenUserData(NamedTuple):
    """What a source gives: user data, and the metadata that coreos-cloudinit merges into it."""

    user_data: bytes
    hostname: str = ""
    ssh_keys: Sequence[str] = ()
    addresses: Mapping[str, str] = {}


class UserDataSource(NamedTuple):
    """A source: its option, the name in the log, and the function that reads it; None if it is not there.

    The function gets the value of the option. It raises Failure.
    """

    option: str
    shown: str
    read: Callable[[str, Log], GivenUserData | None]


def _file(path: str, _log: Log) -> GivenUserData | None:
    raw = _bytes(path)
    return None if raw is None else GivenUserData(raw)


def _url(url: str, log: Log) -> GivenUserData | None:
    return GivenUserData(_fetched(url, log))


def _config_drive(folder: str, _log: Log) -> GivenUserData | None:
    """A drive of OpenStack that is mounted on a folder."""
    if not os.path.isdir(folder):
        return None
    described = _object(_file_of_drive(folder, "/openstack/latest/meta_data.json"))
    keys = described.get("public_keys")
    return GivenUserData(
        _file_of_drive(folder, "/openstack/latest/user_data") or b"",
        str(described.get("hostname") or ""),
        [str(key) for key in keys.values()] if isinstance(keys, dict) else (),
    )


def _azure_agent(folder: str, _log: Log) -> GivenUserData | None:
    """The folder of Azure's agent."""
    return GivenUserData(_file_of_drive(folder, "/CustomData") or b"") if os.path.isdir(folder) else None


def _kernel_command_line(_value: str, log: Log) -> GivenUserData | None:
    """The URL that the kernel command line names."""
    words = arguments((_bytes("/proc/cmdline") or b"").decode("utf-8", "replace"))
    urls = [value for name, value in words if name.replace("_", "-") == "cloud-config-url" and value]
    return GivenUserData(_fetched(urls[-1], log)) if urls else None


def _service(
    platform: str, path: str, headers: Sequence[tuple[str, str]] = ()
) -> Callable[[str, Log], GivenUserData | None]:
    """The reader of a metadata service; the option has its address."""

    def read(address: str, log: Log) -> GivenUserData | None:
        raw = _fetched(f"{address.rstrip('/')}/{path}", log, headers, absent=b"")
        return _with_metadata(raw, platform, log)

    return read


def _vmware(_value: str, log: Log) -> GivenUserData | None:
    """The hypervisor's channel, which has no metadata that we read."""
    from provision.fetch.platforms.context import fetch_context
    from provision.fetch.platforms.table import PLATFORMS
    from provision.system.running_system.local_system import LocalSystem

    system = LocalSystem()
    settings = FetchSettings.within(300)._replace(platform="vmware", unzstd=system.unzstd)
    return GivenUserData(PLATFORMS["vmware"].source.fetch(fetch_context(system, settings, log)) or b"")


def _with_metadata(raw: bytes, platform: str, log: Log) -> GivenUserData:
    """User data with what the platform says of the machine, which is asked at the platform's own address."""
    from provision.commands.metadata import ask_platform

    try:
        metadata = ask_platform(platform, 60, log)
        return GivenUserData(raw, metadata.hostname(), metadata.ssh_keys(), metadata.addresses())
    except Failure as failure:
        log("warning", f"no metadata: {failure.message}")
        return GivenUserData(raw)


SOURCES: tuple[UserDataSource, ...] = (
    UserDataSource("from-file", "local-file", _file),
    UserDataSource("from-url", "url", _url),
    UserDataSource("from-configdrive", "cloud-drive", _config_drive),
    UserDataSource("from-ec2-metadata", "ec2-metadata-service", _service("aws", "2009-04-04/user-data")),
    UserDataSource(
        "from-gce-metadata",
        "gce-metadata-service",
        _service("gcp", "computeMetadata/v1/instance/attributes/user-data", [("Metadata-Flavor", "Google")]),
    ),
    UserDataSource(
        "from-digitalocean-metadata", "digitalocean-metadata-service", _service("digitalocean", "metadata/v1/user-data")
    ),
    UserDataSource("from-waagent", "waagent", _azure_agent),
    UserDataSource("from-packet-metadata", "packet-metadata-service", _service("packet", "userdata")),
    UserDataSource("from-proc-cmdline", "proc-cmdline", _kernel_command_line),
    UserDataSource("from-vmware-guestinfo", "vmware", _vmware),
)
"""All sources, in the order in which they are tried."""


def addresses_of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The addresses in the variables COREOS_PRIVATE_IPV4 and so on."""
    found = {name: environment.get(f"COREOS_{name.upper()}", "") for name in NAMES}
    return {name: address for name, address in found.items() if address}


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            raw = file.read(CONFIG_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    if len(raw) > CONFIG_LIMIT:
        raise Failure(f"{path}: is larger than the limit of {CONFIG_LIMIT >> 20} MiB")
    return raw


def _file_of_drive(folder: str, path: str) -> bytes | None:
    from provision.system.running_system.local_system import read_below

    return read_below(folder, path, folder)


def _object(raw: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise Failure("meta_data.json: is not JSON") from None
    return found if isinstance(found, dict) else {}


def _fetched(url: str, log: Log, headers: Sequence[tuple[str, str]] = (), absent: bytes | None = None) -> bytes:
    from provision.fetch.resources import Fetcher

    resource = Resource(
        source=url, http_headers=tuple(HttpHeader(name=name, value=Secret(value)) for name, value in headers)
    )
    try:
        return Fetcher(FetchSettings.within(300), log).read(resource, CONFIG_LIMIT)
    except FetchFailed as failure:
        if absent is not None and "404" in failure.message:
            return absent
        raise
