"""The sections, settings and usual values that units and quadlets may have, for completion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from transpiler.lint.content.tables import OLD, table
from transpiler.lint.units.values import CLOSED

_TARGETS = ("multi-user.target", "graphical.target", "network-online.target", "timers.target", "sockets.target")
_STREAMS = ("inherit", "null", "tty", "journal", "kmsg", "journal+console", "kmsg+console", "socket")

VALUES: Mapping[str, tuple[str, ...]] = {
    **CLOSED,
    "StandardOutput": _STREAMS,
    "StandardError": _STREAMS,
    "OnCalendar": ("minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly"),
    "WantedBy": _TARGETS,
    "RequiredBy": _TARGETS,
    "AutoUpdate": ("registry", "local"),
    "Pull": ("always", "missing", "never", "newer"),
}
"""Setting -> its usual values.

Sources: systemd.exec(5), systemd.time(7), systemd.special(7), podman-systemd.unit(5).
"""

_YES_OR_NO = ("yes", "no")


@cache
def sections() -> Mapping[str, Mapping[str, str]]:
    """Section -> setting -> the kind of its value as the service manager names it, without settings out of use."""
    return {
        section: {name: kind for name, kind in known.items() if kind != OLD}
        for section, known in table("units").items()
    }


def values_of(section: str, name: str) -> tuple[str, ...]:
    """The usual values of a setting; empty if any text is possible."""
    if name in VALUES:
        return VALUES[name]
    return _YES_OR_NO if sections().get(section, {}).get(name) == "BOOLEAN" else ()
