"""Values of settings about how a process runs: its user, paths, environment, limits and rights, whose form is certain.

Sources: systemd.exec(5), systemd.unit(5), systemd.path(5), systemd.resource-control(5), systemd.syntax(7),
capabilities(7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from provision.config.reports.did_you_mean import did_you_mean

_CAPABILITIES = (
    *("cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid"),
    *("cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast"),
    *("cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio"),
    *("cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice"),
    *("cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write"),
    *("cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm"),
    *("cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore"),
)

_SYSTEM_CALL_GROUPS = (
    *("@aio", "@basic-io", "@chown", "@clock", "@cpu-emulation", "@debug", "@default", "@file-system", "@io-event"),
    *("@ipc", "@keyring", "@known", "@memlock", "@module", "@mount", "@network-io", "@obsolete", "@pkey"),
    *("@privileged", "@process", "@raw-io", "@reboot", "@resources", "@sandbox", "@setuid", "@signal", "@swap"),
    *("@sync", "@system-service", "@timer"),
)

_CONDITION_OF_PATH = re.compile(r"(?:Condition|Assert)(?:Path\w+|DirectoryNotEmpty|FileNotEmpty|FileIsExecutable)")

_NUMBERS = {"LimitNOFILE", "LimitNPROC", "LimitSIGPENDING", "LimitLOCKS"}
"""Limits that count, so they have no suffix such as `K`."""

_SIZE = re.compile(r"(?:\d+(?:\.\d*)?\s*[EPTGMKB]?\s*)+|infinity")
"""A size in systemd.resource-control(5). A percentage has a `%`, which is not judged."""

_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')++""", re.DOTALL)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)

Wrong = tuple[str, str]
"""What is wrong and what to write; both are empty if nothing is."""

_GOOD: Wrong = ("", "")


def wrong_exec_value(name: str, value: str) -> Wrong:
    """Why systemd refuses or ignores a value of a setting, and what to write; empty texts if that is not certain."""
    judge = _condition if _CONDITION_OF_PATH.fullmatch(name) else _JUDGES.get(name)
    return judge(value) if judge else _GOOD


def words_of(text: str) -> Iterator[str]:
    """The words of a value without their quotes. Source: "QUOTING" in systemd.syntax(7)."""
    for found in _WORD.finditer(text):
        yield re.sub(r"\\(.)|[\"']", lambda one: one[1] or "", found[0], flags=re.DOTALL)


def _path(value: str) -> Wrong:
    if value.startswith("/"):
        return _GOOD
    if value.startswith(('"/', "'/")):
        return "this path is not absolute: systemd keeps its quotes", "write the path without quotes"
    hint = f"write /{value}" if re.fullmatch(r"[\w][\w./-]*", value) else "write a path that begins with a slash"
    return "systemd refuses this path: it is not absolute", hint


def _optional_path(value: str) -> Wrong:
    return _path(value.removeprefix("-"))


def _directory(value: str) -> Wrong:
    return _GOOD if value == "~" else _optional_path(value)


def _condition(value: str) -> Wrong:
    return _path(value.removeprefix("|").removeprefix("!").lstrip())


def _paths(value: str) -> Wrong:
    """A list of paths. With a `-` a path may be missing, with a `+` it is below the root directory of the unit."""
    found = (_path(word.removeprefix("-").removeprefix("+")) for word in words_of(value))
    return next((one for one in found if one[0]), _GOOD)


def _relative_paths(value: str) -> Wrong:
    word = next((one for one in words_of(value) if one.startswith("/")), "")
    below = re.sub(r"^/(?:run|etc|var/(?:lib|cache|log))/", "", word)
    return ("systemd ignores an absolute path here", f"write {below.lstrip('/')}") if word else _GOOD


def _account(value: str) -> Wrong:
    if not set(value) & {":", "/"}:
        return _GOOD
    user, colon, group = value.partition(":")
    simple = colon and re.fullmatch(r"[\w-]+", user) and re.fullmatch(r"[\w-]+", group)
    return "systemd refuses this name", f"write User={user} and Group={group}" if simple else "write one name or number"


def _environment(value: str) -> Wrong:
    wrong = next((word for word in words_of(value) if not _VARIABLE.fullmatch(word)), "")
    if not wrong:
        return _GOOD
    return (
        f"systemd ignores `{wrong[:40]}`: it is not NAME=value",
        'write NAME=value, or "NAME=a b" for a value with spaces',
    )


def _size(value: str) -> Wrong:
    if _SIZE.fullmatch(value):
        return _GOOD
    near = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGTkmgt])(?:i?[Bb])?", value)
    hint = (
        f"write {near[1]}{near[2].upper()}" if near else "write a size such as 512M, a share such as 20%, or infinity"
    )
    return "systemd ignores this size", hint


def _share(value: str) -> Wrong:
    number = re.fullmatch(r"\d+(?:\.\d+)?", value)
    hint = f"write {float(value) * 100:.0f}%" if number and float(value) < 16 else "write a percentage, such as 50%"
    return "systemd ignores a quota without %", hint


def _count(value: str) -> Wrong:
    if all(re.fullmatch(r"\d+|infinity", part) for part in value.split(":", 1)):
        return _GOOD
    return "systemd ignores this limit", "write a number without a suffix, or infinity"


def _pid_file(value: str) -> Wrong:
    return ("systemd ignores a path with ..", "write the path without ..") if ".." in value.split("/") else _GOOD


def _capabilities(value: str) -> Wrong:
    for word in value.removeprefix("~").split():
        name = word.strip("\"'").lower()
        if name not in _CAPABILITIES and not name.isdigit():
            full = name if name.startswith("cap_") else f"cap_{name}"
            longer = [one for one in _CAPABILITIES if one.startswith(full)]
            near = f"did you mean {longer[0]}?" if len(longer) == 1 else did_you_mean(full, _CAPABILITIES).strip(" ()")
            near = re.sub(r"cap_\w+", lambda one: one[0].upper(), near)
            return f"systemd does not know the capability {word[:40]} and ignores it", near or "see capabilities(7)"
    return _GOOD


def _system_calls(value: str) -> Wrong:
    for word in value.removeprefix("~").split():
        group = word.partition(":")[0]
        if group.startswith("@") and group not in _SYSTEM_CALL_GROUPS:
            near = did_you_mean(group, _SYSTEM_CALL_GROUPS).strip(" ()")
            return (
                f"systemd does not know the group {group[:40]} of system calls and ignores it",
                near or "see systemd.exec(5)",
            )
    return _GOOD


_JUDGES: Mapping[str, Callable[[str], Wrong]] = {
    "User": _account,
    "Group": _account,
    "Environment": _environment,
    "EnvironmentFile": _optional_path,
    "WorkingDirectory": _directory,
    "RootDirectory": _path,
    "PIDFile": _pid_file,
    "CPUQuota": _share,
    "CapabilityBoundingSet": _capabilities,
    "AmbientCapabilities": _capabilities,
    "SystemCallFilter": _system_calls,
    **dict.fromkeys(("PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"), _path),
    **dict.fromkeys(("ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths"), _paths),
    **dict.fromkeys(("BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem"), _paths),
    "RequiresMountsFor": _paths,
    "WantsMountsFor": _paths,
    **dict.fromkeys(("RuntimeDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory"), _relative_paths),
    "ConfigurationDirectory": _relative_paths,
    **dict.fromkeys(("MemoryHigh", "MemoryMax", "MemoryLow", "MemoryMin", "MemorySwapMax", "MemoryLimit"), _size),
    **dict.fromkeys(_NUMBERS, _count),
}
"""The name of a setting -> the function that judges its value."""
