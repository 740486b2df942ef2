"""Write what the platform says of this machine: attributes, host name and SSH keys.

Without an option that writes, the metadata is printed. Names are those of Afterburn (AFTERBURN_AWS_HOSTNAME), followed
by names that are the same on all platforms (METADATA_HOSTNAME). Started as `afterburn` or `coreos-metadata`, it takes
the options of those programs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from provision.commands.timeout import add_total_timeout
from provision.failures import Usage
from provision.log import FieldLog, Log, notices_on, open_log

if TYPE_CHECKING:
    from provision.metadata.machine_metadata import MachineMetadata

NAME = "metadata"
HELP = "write what the platform says of this machine"
EPILOG = """\
examples:
  provision metadata --cmdline
  provision metadata --platform aws --attributes /run/metadata/afterburn --ssh-keys core

"""

KEYS_WRITTEN = "0f7d7a502f2d433caa1323440a6b4190"
KEYS_REMOVED = "f8b91c53f5544868a3a10d0dcf68e9ea"
"""Message ids of Afterburn, which other programs look for in the journal."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_platform(parser)
    parser.add_argument("--attributes", metavar="FILE", help="write the attributes, for EnvironmentFile= of units")
    parser.add_argument("--coreos-attributes", metavar="FILE", help="the same, with the names of coreos-metadata")
    parser.add_argument("--environment", metavar="FILE", help="write the addresses into /etc/environment")
    add_files(parser)
    add_total_timeout(parser)
    parser.add_argument("--json", action="store_true", help="print the metadata as JSON")


def add_platform(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say which platform to ask; `afterburn` has them too."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--platform", "--provider", metavar="NAME", help="platform to ask; auto finds it out from the firmware"
    )
    where.add_argument("--cmdline", action="store_true", help="ask the platform that the kernel command line names")


def add_files(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what to write; `afterburn` has them too."""
    parser.add_argument("--hostname", metavar="FILE", help="write the host name")
    parser.add_argument("--ssh-keys", metavar="USER", help="write the SSH keys of a user")
    parser.add_argument("--network-units", metavar="DIR", help="write the network as units of systemd-networkd")
    parser.add_argument("--networkmanager-profiles", metavar="DIR", help="write it as profiles of NetworkManager")
    parser.add_argument("--netplan-config", metavar="DIR", help="write it as a file of netplan")
    parser.add_argument("--check-in", action="store_true", help="tell the platform that the machine has booted")


def run(arguments: argparse.Namespace) -> int:
    """Do what the options say, or print the metadata if they say nothing. Returns 0; raises Failure."""
    writes = (
        "attributes",
        "coreos_attributes",
        "environment",
        "hostname",
        "ssh_keys",
        "network_units",
        "networkmanager_profiles",
    )
    if any(getattr(arguments, name) for name in (*writes, "netplan_config", "check_in")):
        return carry_out(arguments)
    metadata = ask_platform(arguments.platform or "", arguments.timeout, notices_on(sys.stderr))
    print(_json(metadata) if arguments.json else _text(metadata), end="")
    return 0


def carry_out(arguments: argparse.Namespace) -> int:
    """Write what the options name. Returns 0; raises Failure."""
    log = open_log(sys.stderr, to_stdout=sys.stderr.isatty())
    metadata = ask_platform(arguments.platform or "", arguments.timeout, log)
    _write_attributes(arguments, metadata)
    if arguments.ssh_keys:
        _write_keys(arguments.ssh_keys, metadata, log)
    if arguments.hostname:
        _write_hostname(arguments.hostname, metadata, log)
    if getattr(arguments, "environment", None):
        _write_environment(arguments.environment, metadata)
    _write_network(arguments, metadata, log)
    if arguments.check_in:
        metadata.check_in()
    return 0


def ask_platform(name: str, seconds: float, log: Log) -> MachineMetadata:
    """The metadata of this machine, asked for at most `seconds`. Raises Failure.

    Without a name the kernel command line names the platform.
    """
    from provision.fetch.platforms.context import fetch_context
    from provision.fetch.platforms.detection import AUTO, confirmed
    from provision.fetch.platforms.trust_settings import trust_policy
    from provision.fetch.running_system import SystemPaths
    from provision.fetch.settings import FetchSettings
    from provision.kernel_command_line import platform_id
    from provision.metadata.machine_metadata import PLATFORM_OF, ask
    from provision.system.running_system.local_system import LocalSystem

    running_system = LocalSystem(SystemPaths.of(os.environ))
    trust = trust_policy(running_system)
    name = name or platform_id(running_system.read_text(running_system.paths.kernel_cmdline_path))
    if not name:
        raise Usage("the kernel command line names no platform", hint="use --platform NAME, or --platform auto")
    platform = confirmed(PLATFORM_OF.get(name, name), running_system, log, allow_mismatch=trust.mismatch == "allow")
    settings = FetchSettings.within(seconds)._replace(platform=platform, unzstd=running_system.unzstd)
    return ask(platform if name == AUTO else name, fetch_context(running_system, settings, log, trust=trust))


def _write_attributes(arguments: argparse.Namespace, metadata: MachineMetadata) -> None:
    from provision.metadata.attribute_files import afterburn, coreos, environment_file
    from provision.system.shared_files import write_shared

    files = ((arguments.attributes, afterburn), (arguments.coreos_attributes, coreos))
    for path, named in files:
        if path:
            write_shared(path, environment_file(named(metadata.provider.prefix, metadata.attributes())))


def _write_environment(path: str, metadata: MachineMetadata) -> None:
    """Write the addresses into a file of variables, whose other lines stay."""
    from provision.metadata.attribute_files import with_addresses
    from provision.system.running_system.local_system import LocalSystem
    from provision.system.shared_files import write_shared

    before = LocalSystem().read_text(path)
    after = with_addresses(before, metadata.addresses())
    if after != before:
        write_shared(path, after)


def _write_network(arguments: argparse.Namespace, metadata: MachineMetadata, log: FieldLog) -> None:
    from provision.system.consoles import in_initramfs
    from provision.system.shared_files import write_shared

    units, profiles, netplan = arguments.network_units, arguments.networkmanager_profiles, arguments.netplan_config
    if units:
        from provision.metadata.network.networkd import units as networkd_units

        network = metadata.network()
        for what in network.left_out:
            log("warning", f"of the network that the platform describes this is left out: {what}")
        for name, text in networkd_units(network.matched_by_mac() if in_initramfs() else network):
            write_shared(f"{units}/{name}", text)
    if profiles:
        from provision.metadata.network.network_manager import profiles as connection_profiles

        for name, text in connection_profiles(metadata.network()):
            write_shared(f"{profiles}/{name}", text, 0o600)  # NetworkManager ignores a file that others can read
    if netplan:
        text = metadata.netplan()
        if text:
            write_shared(f"{netplan}/50-afterburn.yaml", text, 0o600)


def _write_keys(user: str, metadata: MachineMetadata, log: FieldLog) -> None:
    from provision.system.shared_files import write_keys

    keys = metadata.ssh_keys()
    path, changed = write_keys(user, keys)
    if changed:
        message = f"{'wrote' if keys else 'removed'} the SSH keys of {user}: {path}"
        identifier = KEYS_WRITTEN if keys else KEYS_REMOVED
        log("info", message, MESSAGE_ID=identifier, AFTERBURN_USER_NAME=user, AFTERBURN_PATH=path)


def _write_hostname(path: str, metadata: MachineMetadata, log: FieldLog) -> None:
    from provision.system.shared_files import write_shared

    name = metadata.hostname()
    if not name:
        log("warning", "the platform gives this machine no host name")
        return
    write_shared(path, f"{name}\n")
    log("info", f"wrote the host name {name} to {path}")


def _text(metadata: MachineMetadata) -> str:
    from provision.metadata.attribute_files import afterburn, environment_file

    return environment_file(afterburn(metadata.provider.prefix, metadata.attributes()))


def _json(metadata: MachineMetadata) -> str:
    from provision.metadata.attribute_files import shared

    attributes = metadata.attributes()
    return (
        json.dumps(
            {
                "attributes": {f"{metadata.provider.prefix}_{name}": value for name, value in attributes.items()},
                "shared": shared(attributes),
                "hostname": metadata.hostname(),
                "ssh_keys": metadata.ssh_keys(),
            },
            indent=2,
            sort_keys=True,
        )
        + "\n"
    )
