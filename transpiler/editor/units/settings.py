"""The sections and settings that units and quadlets may have, for completion.

The names are those of systemd 252 and podman 6; `python -m docs.generate.unit_settings` reads them from the programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_TARGETS = ("multi-user.target", "graphical.target", "network-online.target", "timers.target", "sockets.target")

VALUES: Mapping[str, tuple[str, ...]] = {
    "Type": ("simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"),
    "Restart": ("no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"),
    "KillMode": ("control-group", "mixed", "process", "none"),
    "ProtectSystem": ("yes", "no", "full", "strict"),
    "ProtectHome": ("yes", "no", "read-only", "tmpfs"),
    "StandardOutput": ("inherit", "null", "tty", "journal", "kmsg", "journal+console", "kmsg+console", "socket"),
    "StandardError": ("inherit", "null", "tty", "journal", "kmsg", "journal+console", "kmsg+console", "socket"),
    "OnCalendar": ("minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly"),
    "WantedBy": _TARGETS,
    "RequiredBy": _TARGETS,
    "AutoUpdate": ("registry", "local"),
    "Pull": ("always", "missing", "never", "newer"),
}
"""Setting -> its usual values. Sources: systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.time(7),
systemd.special(7); podman-systemd.unit(5)."""

_YES_OR_NO = ("yes", "no")


@cache
def sections() -> Mapping[str, Mapping[str, str]]:
    """Section -> setting -> the kind of its value as the service manager names it, such as `BOOLEAN`; may be empty."""
    found: dict[str, dict[str, str]] = {}
    current: list[str] = []
    for line in (files("transpiler.editor.units") / "settings.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            current = line.strip("[]").split()
        elif line and not line.startswith("#"):
            name, _, kind = line.partition(" ")
            for section in current:
                found.setdefault(section, {})[name] = kind
    return found


def values_of(section: str, name: str) -> tuple[str, ...]:
    """The usual values of a setting; empty if any text is possible."""
    if name in VALUES:
        return VALUES[name]
    return _YES_OR_NO if sections().get(section, {}).get(name) == "BOOLEAN" else ()
