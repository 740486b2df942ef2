"""Apply a config to the running system: accounts, files and units, and start the units that it names."""

from __future__ import annotations

from provision.commands.targets.target import starting_state
from provision.config.format import Config
from provision.engine.execution import Engine
from provision.engine.preflight import Step, preflight
from provision.fetch.resources import Fetcher
from provision.fetch.settings import FetchSettings
from provision.log import Log
from provision.planning.stage import Stage
from provision.stages.files import accounts, nodes, units
from provision.system.block.image_devices import ImageDevices
from provision.system.machine import Machine
from provision.system.running_system.local_system import LocalSystem

LIVE = Stage("files", (accounts.plan, nodes.plan, units.plan), labels=accounts.made_by_programs)

COMMANDS = "cloud-config-commands"
"""The beginning of the name of the unit that does the commands of a cloud-config."""


def apply_live(config: Config, log: Log, root: str = "/") -> None:
    """Apply a config to a root, and let systemd take it over if it is that of this system. Raises Failure."""
    if config.storage.is_empty and config.passwd.is_empty and config.systemd.is_empty:
        return
    machine = Machine(root, ImageDevices({}), starting_state(), log=log)

    def show(step: Step) -> None:
        log("info", step.action.title)

    try:
        preflight([LIVE], config, machine, machine)
        Engine(machine, Fetcher(FetchSettings(), log), show).run(LIVE, config)
    finally:
        machine.release()
    if root == "/":
        _take_over(config, log)


def _take_over(config: Config, log: Log) -> None:
    """What coreos-cloudinit tells the running system: its name, and units."""
    system = LocalSystem()
    paths = {file.path for file in config.storage.files}
    commands: list[tuple[str, ...]] = []
    if "/etc/hostname" in paths:
        name = system.read_text("/etc/hostname").strip()
        commands.append(("hostnamectl", "set-hostname", name))
    if "/etc/tmpfiles.d/cloud-config.conf" in paths:
        commands.append(("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/cloud-config.conf"))
    if config.systemd.units:
        commands.append(("systemctl", "daemon-reload"))
    if any(path.startswith("/etc/systemd/network/") for path in paths):
        commands.append(("systemctl", "restart", "systemd-networkd.service"))
    started = (COMMANDS, "provision-user-script")
    commands += [
        ("systemctl", "--no-block", "restart", unit.name)
        for unit in config.systemd.units
        if unit.name.startswith(started)
    ]
    for command in commands:
        if system.run(*command) is None:
            log("warning", f"{' '.join(command)} failed")
