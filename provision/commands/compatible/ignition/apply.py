"""`ignition-apply`: the files and units of a config, applied to the root of a container that is being built.

Source: Ignition's program of that name. Disks, mounts, accounts and kernel arguments cannot be applied live. SELinux
labels, crypttab and the result file are not written.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from provision.commands.given_config import read_given_config, warn
from provision.config.format import Config, Passwd, Storage
from provision.engine.execution import Engine
from provision.engine.preflight import Step, preflight
from provision.failures import Failure, NeedsNetwork
from provision.planning.boot_state import BootState
from provision.planning.stage import Stage
from provision.stages.files import nodes, units

CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv")
CONTAINER_VARIABLE = "container"
"""Environment variable that container managers set (https://systemd.io/CONTAINER_INTERFACE)."""


def ignition_apply(arguments: Sequence[str]) -> int:
    """Apply a config. Returns 0, or 1 for a wrong command line; raises Failure."""
    options = _parse(arguments)
    if options is None:
        return 1
    if options.version:
        from provision import IGNITION_VERSION

        print(f"Ignition {IGNITION_VERSION}")
        return 0
    if not os.environ.get(CONTAINER_VARIABLE) and not any(map(os.path.exists, CONTAINER_MARKS)):
        raise Failure("this tool is not designed to run on a host system; reprovision the machine instead")
    _apply(read_given_config(options.config), options)
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace | None:
    parser = argparse.ArgumentParser(prog="ignition-apply", allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--root", default="/", metavar="DIR", help="root to apply to (/)")
    parser.add_argument("--ignore-unsupported", action="store_true", help="leave out what cannot be applied live")
    parser.add_argument("--offline", action="store_true", help="refuse a config that needs the network")
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("config", nargs="?", help="config; - is standard input")
    try:
        options, rest = parser.parse_known_args(arguments)
    except argparse.ArgumentError as wrong:
        print(wrong, file=sys.stderr)
        return None
    if rest or not (options.config or options.version):
        parser.print_usage(sys.stderr)
        return None
    return options


def _apply(config: Config, options: argparse.Namespace) -> None:
    from provision.fetch.references import render
    from provision.fetch.resources import Fetcher, needs_network
    from provision.fetch.settings import FetchSettings
    from provision.system.block.image_devices import ImageDevices
    from provision.system.machine import Machine

    rendered = render(config, Fetcher(FetchSettings(offline=options.offline), warn), warn).validated(warn)
    config = _supported(rendered.config, ignore=options.ignore_unsupported)
    if options.offline and needs_network(config):
        raise NeedsNetwork("the config")
    machine = Machine(options.root, ImageDevices({}), BootState())
    try:
        preflight([LIVE], config, machine, machine)
        Engine(machine, rendered.fetcher, _print_step).run(LIVE, config)
    finally:
        machine.release()


LIVE = Stage("files", (nodes.plan, units.plan))
"""The part of the files stage that can be applied live."""


def _supported(config: Config, *, ignore: bool) -> Config:
    """The config without what cannot be applied live. Without `ignore`, raises Failure that names it."""
    storage = config.storage
    parts = {
        "kernel arguments": not config.kernel_arguments.is_empty,
        "disks": bool(storage.disks or storage.raid or storage.luks or storage.filesystems),
        "passwd": not config.passwd.is_empty,
    }
    found = [name for name, given in parts.items() if given]
    if found and not ignore:
        raise Failure(f"cannot apply {', '.join(found)} live", hint="--ignore-unsupported leaves it out")
    kept = Storage(files=storage.files, directories=storage.directories, links=storage.links)
    return config.changed(storage=kept, passwd=Passwd(), kernel_arguments=Config.kernel_arguments)


def _print_step(step: Step) -> None:
    print(step.action.title)
