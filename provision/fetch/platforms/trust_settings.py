"""Which sources of a config are trusted. Kernel arguments decide it, or a file `provision.conf` of the image.

`provision.conf` is in the system's config directories. It holds the same settings as the kernel command line, one or
several in a line; lines that begin with `#` are comments. The kernel command line overrides the file in /run/ignition,
which overrides /etc/ignition and then /usr/lib/ignition. See docs/guide/trust.md.
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
SCRIPTS = "provision.scripts"

VALUES = {
    MISMATCH: ("refuse", "allow"),
    CONFIG_DRIVE: ("internal", "any", "none"),
    USER_DATA: ("keep", "lock"),
    SCRIPTS: ("refuse", "run"),
}
"""The values of each setting; the first is the default."""


class NotTrustedError(FetchFailed):
    """The source is not asked, because the policy does not trust it."""


class TrustPolicy(NamedTuple):
    """What is trusted on this machine.

    `mismatch` "allow" uses a platform that the firmware contradicts. `config_drive` "internal" ignores config drives on
    external buses (USB, SD cards, FireWire, Thunderbolt), "any" accepts them, "none" accepts no config drive.
    `user_data` "lock" deletes the config from the platform after success, and closes the metadata service to all users
    but root. `scripts` "run" runs user data that is a script, once.
    """

    mismatch: str = "refuse"
    config_drive: str = "internal"
    user_data: str = "keep"
    scripts: str = "refuse"


def trust_policy(running_system: RunningSystem) -> TrustPolicy:
    """The policy of this machine. Raises Failure for an unknown value, or a file with anything but these settings."""
    paths = running_system.paths
    written: dict[str, str | None] = {}
    for directory in reversed(paths.directories):
        written |= _settings_of_file(running_system, f"{directory}/{FILE}")
    written |= dict(arguments(running_system.read_text(paths.kernel_cmdline_path)))
    return TrustPolicy(*(_known(name, written.get(name) or VALUES[name][0]) for name in VALUES))


def _settings_of_file(running_system: RunningSystem, path: str) -> dict[str, str | None]:
    lines = running_system.read_text(path).splitlines()
    found = dict(arguments("\n".join(line for line in lines if not line.lstrip().startswith("#"))))
    for name in found:
        if name not in VALUES:
            raise Failure(f"{path}: {name!r} is no setting", hint="the settings are " + ", ".join(VALUES))
    return found


def _known(name: str, value: str) -> str:
    if value not in VALUES[name]:
        choices = ", ".join(f"{name}={one}" for one in VALUES[name])
        raise Failure(f"{name}={value} is unknown", hint=f"write one of {choices}")
    return value
