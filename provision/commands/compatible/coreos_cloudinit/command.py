"""The command line of coreos-cloudinit.

Source: `coreos-cloudinit.go` of coreos/coreos-cloudinit. Differences are in docs/decisions/0015-cloud-config.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from provision.commands.compatible.coreos_cloudinit.sources import (
    SOURCES,
    GivenUserData,
    UserDataSource,
    addresses_of_environment,
)
from provision.config.format import Config, File, Passwd, Resource, User
from provision.config.reports.go_flags import Flag, FlagError, parse_flags, usage
from provision.failures import ConfigInvalid

FLAGS = (
    Flag("convert-netconf", str, "Not supported: networks come from `provision metadata --network-units`"),
    Flag("from-cloudsigma-metadata", bool, "Not supported"),
    Flag("from-configdrive", str, "Read data from the directory of a config drive"),
    Flag("from-digitalocean-metadata", str, "Download DigitalOcean data from a URL"),
    Flag("from-ec2-metadata", str, "Download EC2 data from a URL"),
    Flag("from-file", str, "Read user data from a file"),
    Flag("from-gce-metadata", str, "Download GCE data from a URL"),
    Flag("from-metadata-service", bool, "The same as -from-ec2-metadata http://169.254.169.254/"),
    Flag("from-packet-metadata", str, "Download Packet data from a URL"),
    Flag("from-proc-cmdline", bool, "Download the cloud-config that cloud-config-url= of /proc/cmdline names"),
    Flag("from-url", str, "Download user data from a URL"),
    Flag("from-vmware-guestinfo", bool, "Read data from VMware"),
    Flag("from-vmware-ovf-env", str, "Not supported"),
    Flag("from-waagent", str, "Read data from the directory of Azure's agent"),
    Flag("ignore-failure", bool, "Exit with 0 if the user data is wrong"),
    Flag("oem", str, "Use the settings of a platform"),
    Flag("ssh-key-name", str, "Has no effect: keys have the file name that configs give them"),
    Flag("validate", bool, "Validate the user data, and apply nothing"),
    Flag("version", bool, "Print the version and exit"),
    Flag("workspace", str, "Has no effect: nothing is stored there"),
)

OEMS: Mapping[str, Mapping[str, str]] = {
    "azure": {"from-waagent": "/var/lib/waagent"},
    "cloudsigma": {"from-cloudsigma-metadata": "true"},
    "digitalocean": {"from-digitalocean-metadata": "http://169.254.169.254/"},
    "ec2-compat": {"from-ec2-metadata": "http://169.254.169.254/", "from-configdrive": "/media/configdrive"},
    "gce": {"from-gce-metadata": "http://metadata.google.internal/"},
    "packet": {"from-packet-metadata": "https://metadata.packet.net/"},
    "rackspace-onmetal": {"from-configdrive": "/media/configdrive", "convert-netconf": "debian"},
    "vmware": {"from-vmware-guestinfo": "true", "convert-netconf": "vmware"},
}
"""Value of -oem -> the options that it stands for."""

NOT_SUPPORTED = ("from-cloudsigma-metadata", "from-vmware-ovf-env")
WITHOUT_EFFECT = {
    "convert-netconf": "the network is not converted; `provision metadata --network-units DIR` does it",
    "ssh-key-name": "keys have the file name that configs give them",
    "workspace": "nothing is stored there",
}
"""Option -> why it has no effect."""


def coreos_cloudinit(arguments: Sequence[str]) -> int:
    """Returns 0; 1 if something fails or the user data is wrong; 2 for a wrong command line."""
    try:
        given = parse_flags(arguments, FLAGS)
    except FlagError as error:
        print(f"{error}\n{usage(sys.argv[0], FLAGS)}" if str(error) else usage(sys.argv[0], FLAGS), file=sys.stderr)
        return 2 if str(error) else 0
    oem = given.get("oem", "")
    if oem and oem not in OEMS:
        print(f'Invalid option to -oem: "{oem}". Supported options: {" ".join(OEMS)}')
        return 2
    given |= OEMS.get(oem, {})
    if given.get("version") == "true":
        from provision import __version__

        print(f"coreos-cloudinit {__version__}")
        return 0
    if given.get("from-metadata-service") == "true":
        given["from-ec2-metadata"] = OEMS["ec2-compat"]["from-ec2-metadata"]
    for name in NOT_SUPPORTED:
        if given.get(name, "false") not in {"", "false"}:
            print(f"-{name} is not supported; an Ignition platform may be: see `provision fetch --help`")
            return 2
    sources = [one for one in SOURCES if given.get(one.option, "false") not in {"", "false"}]
    if not sources:
        print(f"Provide at least one of {', '.join(f'-{one.option}' for one in SOURCES)}")
        return 2
    for name, why in WITHOUT_EFFECT.items():
        if given.get(name):
            _log("notice", f"-{name} has no effect: {why}")
    return _run(given, sources)


def _run(given: Mapping[str, str], sources: Sequence[UserDataSource]) -> int:
    found = _read(given, sources)
    if found is None:
        _log("error", "No datasources available in time")
        return 1
    raw = found.user_data
    entries = _entries(raw)
    for entry in entries:
        _log("info", entry)
    if given.get("validate") == "true":
        return 1 if entries else 0
    failed = False
    try:
        config = _config(raw, found)
    except ConfigInvalid as invalid:
        _log("error", f"Failed to parse user-data: {invalid.message}")
        config, failed = None, True
    if config is not None and config.is_empty and not raw:
        _log("info", "there is no user data")
    from provision.commands.compatible.coreos_cloudinit.live import apply_live

    apply_live(merged(config or Config(), found), _log)
    return 1 if failed and given.get("ignore-failure") != "true" else 0


def _read(given: Mapping[str, str], sources: Sequence[UserDataSource]) -> GivenUserData | None:
    """The data of the first source that exists."""
    from provision.fetch.user_data.compression import decompressed
    from provision.system.zstd import unzstd

    for source in sources:
        _log("info", f'Checking availability of "{source.shown}"')
        found = source.read(given[source.option], _log)
        if found is not None:
            _log("info", f'Fetching user-data from datasource of type "{source.shown}"')
            addresses = {**addresses_of_environment(os.environ), **found.addresses}
            return found._replace(user_data=decompressed(found.user_data, source.shown, unzstd), addresses=addresses)
    return None


def _entries(raw: bytes) -> list[str]:
    """The report on user data."""
    from provision.config.sniffing import is_cloud_config, is_yaml
    from provision.yaml_or_json import cloud_config_report

    if not raw or raw.startswith(b"#!"):
        return []
    if is_cloud_config(raw):
        return cloud_config_report(raw)
    return [] if not is_yaml(raw) else ['line 1: error: must be "#cloud-config" or begin with "#!"']


def _config(raw: bytes, found: GivenUserData) -> Config | None:
    """The config in user data; None if there is none, or if it is for Ignition. Raises ConfigInvalid, FetchFailed."""
    from provision.config.sniffing import is_yaml
    from provision.fetch.user_data.reading import OtherForms, read_config

    if not raw:
        return None
    if not is_yaml(raw):
        _log("info", "Detected an Ignition config. Exiting...")
        raise SystemExit(0)
    return read_config(raw, "user-data", _log, others=OtherForms(scripts=True, addresses=lambda: found.addresses))


def merged(config: Config, found: GivenUserData) -> Config:
    """The config with the metadata: the host name if the user data has none, and keys of core."""
    storage, passwd = config.storage, config.passwd
    if found.hostname and not any(file.path == "/etc/hostname" for file in storage.files):
        from provision.config.resources.data_urls import percent_encoded

        contents = Resource(source=percent_encoded(f"{found.hostname}\n".encode()))
        file = File(path="/etc/hostname", overwrite=True, mode=0o644, contents=contents)
        storage = storage.changed(files=(*storage.files, file))
    if found.ssh_keys:
        others = tuple(user for user in passwd.users if user.name != "core")
        core = next((user for user in passwd.users if user.name == "core"), User(name="core"))
        keys = tuple(dict.fromkeys((*core.ssh_authorized_keys, *found.ssh_keys)))
        passwd = Passwd(users=(*others, core.changed(ssh_authorized_keys=keys)), groups=passwd.groups)
    return config.changed(storage=storage, passwd=passwd)


def _log(_level: str, message: str) -> None:
    """A line as Go's package log writes it."""
    from time import strftime

    from provision.config.reports.text import printable

    print(f"{strftime('%Y/%m/%d %H:%M:%S')} {printable(message)}", file=sys.stderr)
