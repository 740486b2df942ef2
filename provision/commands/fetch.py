"""Fetch, validate and show the config that this machine would get, and write nothing.

Looks where the first boot would look: the kernel command line, user.ign in the system's directories, credentials of
systemd, then the platform. Progress goes to standard error. The config itself holds secrets, so it is shown only with
--json.
"""

from __future__ import annotations

import argparse
import os
import sys

from provision.commands.timeout import add_total_timeout
from provision.config.format import Config
from provision.failures import Failure, FetchFailed, NeedsNetwork
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.resources import needs_network
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings

NAME = "fetch"
HELP = "show the config this machine would get"
EPILOG = """\
examples:
  provision fetch --platform aws
  provision fetch --platform qemu --json > config.ign

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--platform",
        required=True,
        metavar="NAME",
        help="platform to ask, a value of ignition.platform.id; auto finds it out from the firmware",
    )
    add_total_timeout(parser)
    parser.add_argument("--offline", action="store_true", help="fail instead of using a network")
    parser.add_argument("--json", action="store_true", help="print the config, merged with all configs that it names")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Print a summary, or the config. Returns 0; raises Failure."""
    from provision.metadata.machine_metadata import addresses
    from provision.system.running_system.local_system import LocalSystem

    settings = FetchSettings.within(arguments.timeout)._replace(offline=arguments.offline)
    running_system = LocalSystem(SystemPaths.of(os.environ))
    log = _quiet if arguments.quiet else _progress
    try:
        found = find_config(arguments.platform, running_system, settings, log, addresses=addresses)
    except NeedsNetwork as need:
        raise Failure(need.message, hint="leave --offline out") from None
    if not found.provided:
        raise FetchFailed(found.fetched[0].source, "there is no config", hint="the machine would boot without one")
    print(_json(found.config) if arguments.json else _summary(found))
    return 0


def _progress(level: str, message: str) -> None:
    print(message if level in {"info", "debug"} else f"{level}: {message}", file=sys.stderr)


def _quiet(level: str, message: str) -> None:
    if level not in {"info", "debug", "notice"}:
        _progress(level, message)


def _json(config: Config) -> str:
    from provision.config.json_text.encode import encode_stored

    return encode_stored(config, indent=2)


def _summary(found: FoundConfig) -> str:
    config = found.config
    first, *others = found.fetched
    lines = [
        f"config from {first.source}",
        *(f"  with {one.source or 'a data URL'}" for one in others),
        f"needs the network for its contents: {'yes' if needs_network(config) else 'no'}",
        *(f"  {what}: {count}" for what, count in _counts(config) if count),
    ]
    return "\n".join(lines)


def _counts(config: Config) -> list[tuple[str, int]]:
    """Names of parts of the config, and how many of each it has."""
    sections = (config.storage, config.passwd, config.systemd)
    return [
        (field.name.replace("_", " "), len(getattr(section, field.name)))
        for section in sections
        for field in section.FIELDS
        if field.many
    ]
