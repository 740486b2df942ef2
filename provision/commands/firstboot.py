"""Decide in the initramfs whether this is the first boot, record at its end that it is done, or show why it is not.

`look` reads the kernel command line and, with `provision.firstboot=auto`, looks for the record on the root file system,
which it mounts read-only. On a first boot it writes /run/provision/first-boot, the environment file without which no
other unit runs. `resolve` writes resolv.conf with the name servers that systemd-networkd knows. `record` writes the
record after everything else is on the disk, and deletes the config from the platform if the kernel command line asks
for that. `explain` shows on all consoles what stopped the boot.

It is a separate program, `provision-firstboot`, and only units start it. Every boot with `provision.firstboot=auto`
waits for it, so it does not load argparse.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from provision.boot import failure_report
from provision.boot.completion_record import write_completion_record
from provision.boot.delete_user_data import delete_user_data
from provision.boot.first_boot import decide
from provision.boot.name_servers import write_resolv_conf
from provision.failures import Usage, as_failure
from provision.fetch.running_system import SystemPaths
from provision.system.running_system.local_system import LocalSystem


def main(arguments: Sequence[str]) -> int:
    """Run one of the words. Returns 0; saves an error for `explain` and raises it again."""
    try:
        _do(arguments, LocalSystem(SystemPaths.of(os.environ)))
    except Exception as error:
        failure_report.save_report(as_failure(error))
        raise
    return 0


def _do(arguments: Sequence[str], running_system: LocalSystem) -> None:
    if [*arguments] == ["look"]:
        decide(running_system)
    elif [*arguments] == ["resolve"]:
        write_resolv_conf(running_system)
    elif arguments[:1] == ["record"] and len(arguments) == 2:
        write_completion_record(arguments[1], running_system)
        delete_user_data(running_system)
    elif [*arguments] == ["explain"]:
        failure_report.show_report()
    else:
        raise Usage("usage: provision-firstboot look | resolve | record ROOT | explain")
