"""Which sources of a config are trusted: decided by kernel arguments, or by the image in `provision.conf`.

`provision.conf` lies in the system's config directories and holds the same words as the kernel command line, in any
number of lines; lines that begin with `#` are comments. The kernel command line overrides /run/ignition, which
overrides /etc/ignition and then /usr/lib/ignition. See docs/guide/trust.md.
"""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import Failure, FetchFailed
from provision.fetch.running_system import RunningSystem
from provision.kernel_command_line import arguments

FILE = "provision.conf"

MISMATCH = "provision.platform.mismatch"
CONFIG_DRIVE = "provision.config.drive"
USER_DATA = "provision.user_data"

VALUES = {
    MISMATCH: ("refuse", "allow"),
    CONFIG_DRIVE: ("internal", "any", "none"),
    USER_DATA: ("keep", "lock"),
}
"""The values of each setting; the first is the default."""


class NotTrustedError(FetchFailed):
    """The source is not asked, because the policy does not trust it."""


class TrustPolicy(NamedTuple):
    """What is trusted on this machine.

    `mismatch` "allow" uses a platform that the firmware contradicts. `config_drive` "internal" ignores config drives on
    buses that reach out of the machine (USB, SD cards, FireWire, Thunderbolt), "any" accepts them, and "none" accepts
    no config drive. `user_data` "lock" deletes the config from the platform after success, and shuts the metadata
    service for all users but root.
    """

    mismatch: str = "refuse"
    config_drive: str = "internal"
    user_data: str = "keep"


def trust_policy(running_system: RunningSystem) -> TrustPolicy:
    """The policy of this machine. Raises Failure for a value that is not known."""
    written = dict(arguments(settings_text(running_system)))
    return TrustPolicy(*(_known(name, written.get(name) or VALUES[name][0]) for name in VALUES))


def settings_text(running_system: RunningSystem) -> str:
    """The words of all files of settings, and then of the kernel command line; the last value counts."""
    paths = running_system.paths
    texts = (running_system.read_text(f"{directory}/{FILE}") for directory in reversed(paths.directories))
    lines = (line for text in texts for line in text.splitlines() if not line.lstrip().startswith("#"))
    return "\n".join((*lines, running_system.read_text(paths.kernel_cmdline_path)))


def _known(name: str, value: str) -> str:
    if value not in VALUES[name]:
        choices = ", ".join(f"{name}={one}" for one in VALUES[name])
        raise Failure(f"{name}={value} is unknown", hint=f"write one of {choices}")
    return value
