"""The settings that units and quadlets may have, their kinds of values and usual values."""

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

KIND_WORDS: Mapping[str, str] = {
    "": "",
    "ACCESS": "who may use it",
    "ACTION": "what the system does then",
    "ARCHS": "architectures",
    "BANDWIDTH": "device and bytes per second",
    "BOOLEAN": "yes or no",
    "BOUNDINGSET": "capabilities",
    "CONDITION": "condition",
    "CPUAFFINITY": "numbers of processors",
    "CPUSCHEDPOLICY": "scheduling policy",
    "CPUSCHEDPRIO": "number from 1 to 99",
    "CPUWEIGHT": "number from 1 to 10000, or idle",
    "DEVICE": "device and what is allowed",
    "DEVICELATENCY": "device and time",
    "DEVICEWEIGHT": "device and number from 1 to 10000",
    "ENVIRON": "names and values: NAME=value",
    "ERRNO": "error number or name",
    "FACILITY": "facility of syslog",
    "FAMILIES": "address families",
    "FILE": "path of a file",
    "FILESYSTEMS": "types of file systems",
    "INPUT": "where it reads from",
    "INTEGER": "number",
    "IOCLASS": "class of input and output",
    "IOPRIORITY": "number from 0 to 7",
    "KILLMODE": "which processes are ended",
    "LABEL": "security label",
    "LEVEL": "level of messages",
    "LIMIT": "number, or infinity",
    "LONG": "number",
    "MODE": "mode, in octal",
    "MOUNTFLAG [...]": "mount propagation",
    "NAMESPACES": "yes, no, or types of namespaces",
    "NANOSECONDS": "time, such as 50us",
    "NETWORKINTERFACE": "network interface",
    "NICE": "number from -20 to 19",
    "OOMSCOREADJUST": "number from -1000 to 1000",
    "OUTPUT": "where it writes to",
    "PATH": "absolute path",
    "PATH [...]": "absolute paths",
    "PATH [ARGUMENT [...]]": "program with its absolute path, and arguments",
    "PATH[:PATH[:OPTIONS]] [...]": "source, destination and options of mounts",
    "PERSONALITY": "architecture",
    "POLICY": "whether devices are allowed",
    "SECONDS": "time, such as 90s or 5min",
    "SECUREBITS": "flags",
    "SERVICE": "service",
    "SERVICEEXITTYPE": "when the service has ended",
    "SERVICERESTART": "when the service is started again",
    "SERVICETYPE": "when the service has started",
    "SHARES": "number",
    "SIGNAL": "signal, such as SIGTERM",
    "SIZE": "size, such as 64K",
    "SLICE": "slice",
    "SOCKET [...]": "addresses, ports or paths of sockets",
    "SOCKETBIND": "addresses of sockets",
    "SOCKETS": "sockets",
    "STATUS": "exit statuses or signals",
    "STRING": "text",
    "SYSCALLS": "system calls, or groups such as @system-service",
    "TIMEOUTMODE": "what happens after the time limit",
    "TIMER": "time, such as 90s or 5min",
    "TOS": "type of service",
    "UNIT": "unit",
    "UNIT [...]": "units",
    "UNSIGNED": "number",
    "VLANID": "number from 0 to 4094",
    "URL": "URLs of manuals",
    "WEIGHT": "number from 1 to 10000",
}
"""The kind of a value as the service manager names it -> in words."""


def kind_in_words(kind: str) -> str:
    """A kind of the tables in words; empty if it is not known. The values of `auto|none` are listed."""
    words = [one for one in kind.split("|") if one != "BOOLEAN"]
    return ", ".join(words) if "|" in kind else KIND_WORDS.get(kind, "")


@cache
def sections() -> Mapping[str, Mapping[str, str]]:
    """Section -> setting -> the kind of its value in words, without settings out of use."""
    return {
        section: {name: kind_in_words(kind) for name, kind in known.items() if kind != OLD}
        for section, known in table("units").items()
    }


def values_of(section: str, name: str) -> tuple[str, ...]:
    """The usual values of a setting; empty if any text is possible."""
    if name in VALUES:
        return VALUES[name]
    return _YES_OR_NO if sections().get(section, {}).get(name) == KIND_WORDS["BOOLEAN"] else ()
