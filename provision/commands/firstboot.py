"""What the units of a first boot start: decide whether it is one, run stages, record the end, or show why it failed.

`look` reads the kernel command line and, with `provision.firstboot=auto`, looks for the record on the root file system,
which it mounts read-only. On a first boot it writes /run/provision/first-boot, the environment file without which no
other unit runs, and goes on with the stage fetch-offline. If the distribution has linked units to Ignition's names, it
queues Ignition's targets instead (provision.boot.ordering_points). `look serve` also leaves a fork of itself, which
runs the stages of the other units when dracut/units/stage.sh asks for them: so a boot starts Python only once.
`look now` does not wait for the device with the record: the scripts of initramfs-tools have waited for it.

`run` runs stages of the engine one after the other in this process, because to start Python takes longer than most
stages. The step `reset` does a factory reset if one is asked for. The step `record` is the same as `record /sysroot`:
it writes the record after everything else is on the disk, and deletes the config from the platform if the kernel
command line asks for that. The step `end`, after `record`, ends the network of the initramfs. `explain` shows on all
consoles what stopped the boot.

`network` is for an initramfs without systemd. It configures the network as the platform describes it, and prints the
names of the links that shall use DHCP. If there is no such description it returns 1.

It is a separate program, `provision-firstboot`. Every boot with `provision.firstboot=auto` waits for it, so it does not
load argparse.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from provision.boot import ordering_points
from provision.boot.delete_user_data import delete_user_data
from provision.boot.failure import report
from provision.boot.first_boot import decide
from provision.boot.first_boot_arguments import ostree_system, record_device, reset_is_asked
from provision.boot.network.end import end_network
from provision.boot.records.completion_record import write_completion_record
from provision.boot.run_files import CONFIG_CACHE, RUN_DIR
from provision.boot.start_limit import extended
from provision.failures import Failure, Usage, as_failure
from provision.fetch.running_system import SystemPaths
from provision.system.private_files import write_private
from provision.system.running_system.local_system import LocalSystem


def main(arguments: Sequence[str]) -> int:
    """Run one of the words. Returns the exit code; saves an error for `explain` and raises it again."""
    try:
        return _do(arguments, LocalSystem(SystemPaths.of(os.environ)))
    except Exception as error:
        report.save_report(as_failure(error))
        raise


def _do(arguments: Sequence[str], running_system: LocalSystem) -> int:
    if arguments[:1] == ["look"] and arguments[1:] in ([], ["serve"], ["now"]):
        with extended():
            platform = _look(running_system, wait="now" not in arguments)
        if platform and "serve" in arguments:
            _serve()
        if platform and os.path.exists(ordering_points.SEPARATE):
            ordering_points.start_targets()
            return 0
        with extended():
            return _run(["fetch-offline"], platform, running_system) if platform else 0
    if arguments[:1] == ["run"] and len(arguments) > 1:
        with extended():
            return _run(arguments[1:], os.environ.get("PLATFORM_ID", ""), running_system)
    if arguments[:1] == ["record"] and len(arguments) == 2:
        _record(arguments[1], running_system)
    elif [*arguments] == ["network"]:
        return _configure_network(running_system)
    elif [*arguments] == ["explain"]:
        report.show_report(running_system)
    else:
        raise Usage("usage: provision-firstboot look [serve | now] | run STEP... | record ROOT | network | explain")
    return 0


def _look(running_system: LocalSystem, *, wait: bool) -> str:
    """The name of the platform if this is a first boot, else an empty text. Raises Failure."""
    if reset_is_asked(running_system.read_text(running_system.paths.kernel_cmdline_path)):
        from provision.boot.factory_reset import check_reset

        check_reset(running_system, wait=wait)
    return decide(running_system, wait=wait)


def _serve() -> None:
    """Load what the stages need and leave a server, if that is possible here. Else each unit starts the program."""
    from provision.stages import STAGES
    from provision.system.programs import fork_server

    if not fork_server.is_possible():
        return
    for name in (*LOADED, *(f"provision.stages.{stage}" for stage in STAGES)):
        import_module(name)
    try:
        fork_server.start(REQUESTS, ANSWERS, _serve_unit)
    except OSError as error:
        raise Failure(f"the process for the stages cannot be started: {error}") from error


def _serve_unit(client: int, steps: list[str]) -> NoReturn:
    from provision.cli import main as whole_program
    from provision.system.programs.fork_server import take_place_of

    sys.argv[1:] = ["run", *steps]
    try:
        take_place_of(client)
    except OSError as error:
        failure = Failure(f"the stage cannot become a process of its unit: {error}")
        print(failure.message, file=sys.stderr)
        report.save_report(failure)
        os._exit(1)
    whole_program()


def _run(steps: Sequence[str], platform: str, running_system: LocalSystem) -> int:
    """Run stages in this process, up to the first that fails. Returns its exit code, or 0; raises Failure."""
    from provision.commands.compatible.ignition.stage import ignition

    more = os.environ.get("IGNITION_ARGS", "").split()
    for step in steps:
        if step == "mount":
            _check_root(platform, running_system)
        if step == "reset":
            _reset(running_system)
        elif step == "record":
            _record(SYSROOT, running_system)
        elif step == "end":
            _end(running_system)
        elif code := ignition([f"--root={SYSROOT}", f"--platform={platform}", f"--stage={step}", *more]):
            return code
        if step == "umount":
            _leave_root(running_system)
    return 0


def _end(running_system: LocalSystem) -> None:
    """End the network, unless the boot stops before the record: then a person may need it.

    Separate stages end when systemd stops all units for the switch to the real root. It stops the services of the
    network too, and a program that waits for that would wait for its own end.
    """
    if os.path.exists(RECORDED):
        end_network(running_system, stop_services=not os.path.exists(ordering_points.SEPARATE))


def _configure_network(running_system: LocalSystem) -> int:
    from provision.commands.described_network import configure
    from provision.log import open_log
    from provision.system.consoles import on_consoles

    names = configure(running_system, on_consoles(open_log(sys.stderr, to_stdout=True)))
    if names is None:
        return 1
    print(*names, sep="\n")
    return 0


def _reset(running_system: LocalSystem) -> None:
    from provision.boot.factory_reset import reset_root

    reset_root(SYSROOT, running_system)


def _check_root(platform: str, running_system: LocalSystem) -> None:
    """Check that the root has its content, and mount what belongs to it. Raises Failure."""
    from provision.boot.root.kept_content import check_content

    check_content(SYSROOT)
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    if ostree_system(command_line):
        from provision.boot.root.deployment import mount_shared
        from provision.boot.stage.run import cached_config
        from provision.fetch.base_config import base_config

        config = cached_config(CONFIG_CACHE, base_config(platform, running_system))
        mount_shared(SYSROOT, command_line, config)


def _leave_root(running_system: LocalSystem) -> None:
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    if ostree_system(command_line):
        from provision.boot.root.deployment import unmount_shared

        unmount_shared(SYSROOT)


def _record(root: str, running_system: LocalSystem) -> None:
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    write_completion_record(root, running_system, record_device(command_line))
    delete_user_data(running_system)
    if root == SYSROOT:
        write_private(RECORDED, b"")


REQUESTS, ANSWERS = f"{RUN_DIR}/requests", f"{RUN_DIR}/answers"
"""The FIFOs of the server. dracut/units/stage.sh knows these names."""

LOADED = (
    "json",
    "resource",
    "selectors",
    "socket",
    "provision.boot.stage.look_ahead",
    "provision.commands.compatible.ignition.stage",
    "provision.boot.stage.run",
    "provision.fetch.platforms.table",
    "provision.fetch.stop_event",
    "provision.system.machine",
    "provision.system.block.kernel_devices",
)
"""What every stage needs, beside the modules of all stages. The server loads it before it forks."""

SYSROOT = "/sysroot"
"""Where the root of the installed system is mounted in the initramfs."""

RECORDED = f"{RUN_DIR}/recorded"
"""This boot has written the record."""
