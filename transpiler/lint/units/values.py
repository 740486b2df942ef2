"""Values of settings whose form is certain.

Sources: systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.time(7), systemd.socket(5), systemd.syntax(7),
signal(7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.calendar import wrong_calendar, wrong_span
from transpiler.lint.content.kinds_of_values import is_boolean, is_filled_in
from transpiler.lint.units.exec_values import wrong_exec_value

CLOSED: Mapping[str, tuple[str, ...]] = {
    "Type": ("simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"),
    "Restart": ("no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"),
    "RestartMode": ("normal", "direct", "debug"),
    "KillMode": ("control-group", "mixed", "process", "none"),
    "ProtectSystem": ("yes", "no", "full", "strict"),
    "ProtectHome": ("yes", "no", "read-only", "tmpfs"),
    "PrivateTmp": ("yes", "no", "disconnected"),
    "ProtectControlGroups": ("yes", "no", "private", "strict"),
    "NotifyAccess": ("none", "main", "exec", "all"),
    "ExitType": ("main", "cgroup"),
    "OOMPolicy": ("continue", "stop", "kill"),
    "DevicePolicy": ("auto", "closed", "strict"),
    "IOSchedulingClass": ("none", "realtime", "best-effort", "idle", "0", "1", "2", "3"),
    "CPUSchedulingPolicy": ("other", "batch", "idle", "fifo", "rr", "ext"),
    "BindIPv6Only": ("default", "both", "ipv6-only"),
    "CollectMode": ("inactive", "inactive-or-failed"),
    "RuntimeDirectoryPreserve": ("yes", "no", "restart"),
    "UtmpMode": ("init", "login", "user"),
    "KeyringMode": ("inherit", "private", "shared"),
    "ProtectProc": ("noaccess", "invisible", "ptraceable", "default"),
    "ProcSubset": ("all", "pid"),
    "FailureAction": (
        *("none", "reboot", "reboot-force", "reboot-immediate", "poweroff", "poweroff-force", "poweroff-immediate"),
        *("exit", "exit-force", "kexec", "kexec-force", "soft-reboot", "soft-reboot-force", "halt", "halt-force"),
        "halt-immediate",
    ),
}
"""Setting -> all of its values, for settings that have no others."""

_AS_FAILURE_ACTION = {"SuccessAction", "StartLimitAction", "JobTimeoutAction"}

_ALSO_BOOLEAN = {"ProtectSystem", "ProtectHome", "RuntimeDirectoryPreserve", "PrivateTmp", "ProtectControlGroups"}

_BOOLEANS_THAT_BECAME_MORE = {"PrivateUsers", "PrivateDevices", "ProtectHostname"}
"""Settings with the kind BOOLEAN in one version and more values in later ones."""

_SIGNALS = frozenset(
    [
        "HUP",
        "INT",
        "QUIT",
        "ILL",
        "TRAP",
        "ABRT",
        "IOT",
        "BUS",
        "FPE",
        "KILL",
        "USR1",
        "SEGV",
        "USR2",
        "PIPE",
        "ALRM",
        "TERM",
        "STKFLT",
        "CHLD",
        "CONT",
        "STOP",
        "TSTP",
        "TTIN",
        "TTOU",
        "URG",
        "XCPU",
        "XFSZ",
        "VTALRM",
        "PROF",
        "WINCH",
        "IO",
        "POLL",
        "PWR",
        "SYS",
    ]
)

_STREAMS = r"inherit|null|tty|journal|kmsg|journal\+console|kmsg\+console|socket|syslog|syslog\+console|fd(:.+)?"
_STREAM = re.compile(rf"(?:{_STREAMS}|(?:file|append|truncate):/.*)")
_MODE = re.compile(r"[0-7]{1,5}")
_RLIMIT = re.compile(r"(?:[+-]?[\w.]+|infinity)(?::(?:[+-]?[\w.]+|infinity))?")
_RLIMIT_PART = re.compile(r"\d+(?:\.\d+)?[KMGTPE]?B?|infinity|[+-]\d+|\d+\w*")
_CRON = re.compile(r"@[a-z]\w*|[\d*]\S*( +[\d*]\S*){2}( +[\w*]\S*){2}")
_PROGRAM_PREFIXES = "@-:+!|"


def wrong_value(name: str, kind: str, value: str) -> tuple[str, str]:
    """Why systemd refuses a value, and what to write; empty texts if it does not, or if that is not certain.

    An empty value resets a setting. What `%` and `$` stand for is not known here.
    """
    if not value or is_filled_in(value):
        return "", ""
    if name == "OnCalendar":
        return _wrong_time(value)
    values = CLOSED.get("FailureAction" if name in _AS_FAILURE_ACTION else name, ())
    if values:
        return ("", "") if name in _ALSO_BOOLEAN and is_boolean(value) else _one_of(value, values, values)
    if kind == "BOOLEAN" and name not in _BOOLEANS_THAT_BECAME_MORE:
        return ("", "") if is_boolean(value) else _one_of(value, (), ("yes", "no"))
    message, hint = wrong_exec_value(name, value)
    return (message, hint) if message else _wrong_form(name, kind, value)


def _wrong_time(value: str) -> tuple[str, str]:
    if _CRON.fullmatch(value):
        hint = "write, for example, `daily`, `*:0/5` (every 5 minutes) or `Mon *-*-* 04:30`; see systemd.time(7)"
        return "systemd refuses a time in the form of cron", hint
    wrong = wrong_calendar(value)
    if not wrong:
        return "", ""
    return (
        f"systemd refuses this time: {wrong}",
        "write, for example, `daily`, `*:0/5` or `Mon *-*-* 04:30`; see systemd.time(7)",
    )


def _wrong_form(name: str, kind: str, value: str) -> tuple[str, str]:
    wrong, hint = False, ""
    if (kind in {"SECONDS", "TIMER"} or (name.endswith("Sec") and not kind)) and wrong_span(value):
        wrong, hint = True, "write a time such as 90s, 5min or 1h 30min"
    elif kind == "MODE" and not name.endswith("JobMode"):
        wrong, hint = not _MODE.fullmatch(value), "write an octal mode such as 0755"
    elif kind == "SIGNAL":
        plain = value.upper().removeprefix("SIG")
        wrong = plain not in _SIGNALS and not plain.startswith("RT") and not plain.isdigit()
        hint = "write a signal such as SIGTERM"
    elif name in {"StandardOutput", "StandardError"}:
        wrong, hint = not _STREAM.fullmatch(value), "write journal, null, tty, inherit, or append:/path"
    elif kind == "LIMIT" and name.startswith("Limit"):
        wrong = not all(_RLIMIT_PART.fullmatch(part) for part in value.replace(" ", "").split(":", 1))
        hint = "write a number, or infinity"
    elif kind == "NICE" or name == "OOMScoreAdjust":
        low, high = (-20, 19) if kind == "NICE" else (-1000, 1000)
        wrong = not re.fullmatch(r"[+-]?\d+", value) or not low <= float(value) <= high
        hint = f"write a number from {low} to {high}"
    elif kind == "PATH [ARGUMENT [...]]":
        wrong, hint = _relative_program(value), "write the absolute path of the program"
    return (f"this is not a value of {name}=", hint) if wrong else ("", "")


def _relative_program(value: str) -> bool:
    """Whether a command begins with a relative path that has a slash. A plain name is looked up in /usr/bin."""
    program = value.lstrip(_PROGRAM_PREFIXES).split(" ")[0].strip("\"'")
    return "/" in program and not program.startswith("/")


def _one_of(value: str, accepted: tuple[str, ...], shown: tuple[str, ...]) -> tuple[str, str]:
    if value in accepted:
        return "", ""
    near = did_you_mean(value, shown).strip(" ()")
    return "systemd does not know this value, and ignores it", near or f"write one of: {', '.join(shown)}"
