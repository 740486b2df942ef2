"""The bundle of a boot that failed: `provision replay` makes the plan of it again on another machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from provision.boot.failure.report import LOG, UNITS, saved_lines
from provision.boot.run_files import BUNDLE
from provision.config.format import Config
from provision.failures import Failure
from provision.log import FieldLog
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage

if TYPE_CHECKING:
    from provision.bundle.bundle import Bundle

LAST_MESSAGES = 300
"""How many messages of the journal are in a bundle."""


def save_bundle(  # noqa: PLR0913 - what a bundle is made of
    failure: Failure, stages: Sequence[Stage], config: Config, view: MachineView, log: FieldLog, *, path: str = BUNDLE
) -> None:
    """Save a bundle, in one step, with mode 0600. If that fails, a warning says why, and nothing else happens."""
    from provision.bundle.capture import capture

    def made() -> Bundle:
        reasons, messages = saved_lines(failure), last_messages()
        return capture(stages, config, view, reasons=reasons, log=messages, command_line=kernel_command_line())

    _save(made, log, path)


def save_fetch_bundle(failure: Failure, stage: str, log: FieldLog, *, path: str = BUNDLE) -> None:
    """Save a bundle of a fetch stage: its messages, which have no secrets, and the network of this machine."""
    from provision.bundle.bundle import Bundle
    from provision.bundle.kernel_arguments import without_values

    def made() -> Bundle:
        messages = (*last_messages(), *network_lines())
        arguments = without_values(kernel_command_line())
        return Bundle(stage, (stage,), tuple(saved_lines(failure)), "", Config(), {}, messages, arguments)

    _save(made, log, path)


def _save(make: Callable[[], Bundle], log: FieldLog, path: str) -> None:
    from provision.bundle.bundle import write_bundle
    from provision.system.private_files import write_private

    try:
        write_private(path, write_bundle(make()))
    except Failure as other:
        log("warning", f"there is no bundle of this failure: {other.message}")
    except Exception as error:  # noqa: BLE001 - the failure itself counts, whatever goes wrong here
        log("warning", f"there is no bundle of this failure: {type(error).__name__}")


def network_lines(resolv_conf: str = "/etc/resolv.conf") -> list[str]:
    """What a fetch depends on: the links of this machine, their addresses, and the name servers."""
    from provision.system.network import links

    servers: list[str] = []
    with suppress(OSError), open(resolv_conf, encoding="utf-8", errors="replace") as file:
        servers = [line.split()[1] for line in file if line.startswith("nameserver ") and line.split()[1:]]
    values = {"links": links.names(), "addresses": links.addresses(), "name servers": servers}
    return [f"network: {name}: {' '.join(found) or 'none'}" for name, found in values.items()]


def last_messages() -> list[str]:
    """The last messages of stages in this boot, oldest first."""
    from provision.system.private_files import read_private
    from provision.system.programs import processes

    if processes.find("journalctl") is not None:
        argv = ["journalctl", "--boot", "--lines", str(LAST_MESSAGES), "--output=cat", "--no-pager"]
        return processes.run([*argv, *(f"--unit={unit}" for unit in UNITS), "--identifier=ignition"]).lines
    with suppress(Failure):
        return (read_private(LOG) or b"").decode(errors="replace").splitlines()[-LAST_MESSAGES:]
    return []


def kernel_command_line() -> str:
    """The arguments of the running kernel; empty if they cannot be read."""
    with suppress(OSError), open("/proc/cmdline", encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""
