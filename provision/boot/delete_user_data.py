"""Deletes the config from its platform after a first boot that succeeded."""

from __future__ import annotations

import sys

from provision.boot.first_boot_arguments import platform
from provision.failures import Failure
from provision.fetch.platforms.trust_settings import trust_policy
from provision.system.running_system.local_system import LocalSystem


def delete_user_data(running_system: LocalSystem) -> None:
    """Delete the config from the platform if `provision.user_data=lock` asks for it and the platform can.

    Raises Failure if the platform does not delete it: then the config can still be read.
    """
    if trust_policy(running_system).user_data != "lock":
        return
    from provision.fetch.platforms.context import fetch_context
    from provision.fetch.platforms.detection import confirmed
    from provision.fetch.platforms.table import PLATFORMS
    from provision.fetch.settings import FetchSettings
    from provision.log import open_log

    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    name = confirmed(platform(command_line), running_system, allow_mismatch=True)
    delete = PLATFORMS[name].delete if name in PLATFORMS else None
    if delete is None:
        return
    try:
        delete(fetch_context(running_system, FetchSettings(platform=name), open_log(sys.stdout, to_stdout=False)))
    except Failure as failure:
        raise Failure(
            f"the machine is provisioned, but its config is still at the platform: {failure.message}",
            hint=failure.hint or "delete it there; the next start of this machine does not provision again",
        ) from failure
    print(f"deleted the config from {name}")
