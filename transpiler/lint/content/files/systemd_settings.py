"""Settings of the programs of systemd: system.conf, journald.conf, resolved.conf and others, and their drop-ins.

Sources: systemd-system.conf(5), journald.conf(5), logind.conf(5), resolved.conf(5), timesyncd.conf(5),
systemd-sleep.conf(5), oomd.conf(5), coredump.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.calendar import wrong_span
from transpiler.lint.content.ini import settings
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.tables import table
from transpiler.lint.content.wrong_lines import WrongLine

SECTION_OF_FILE = {
    "system.conf": "Manager",
    "user.conf": "Manager",
    "journald.conf": "Journal",
    "logind.conf": "Login",
    "resolved.conf": "Resolve",
    "timesyncd.conf": "Time",
    "sleep.conf": "Sleep",
    "oomd.conf": "OOM",
    "coredump.conf": "Coredump",
}
"""The file of a program -> its only section."""

_WORDS = {
    ("Journal", "Storage"): ("volatile", "persistent", "auto", "none"),
    ("Coredump", "Storage"): ("none", "external", "journal"),
    ("Resolve", "DNSSEC"): ("yes", "no", "allow-downgrade"),
    ("Resolve", "DNSOverTLS"): ("yes", "no", "opportunistic"),
    ("Resolve", "LLMNR"): ("yes", "no", "resolve"),
    ("Resolve", "MulticastDNS"): ("yes", "no", "resolve"),
    ("Resolve", "Cache"): ("yes", "no", "no-negative"),
    ("Resolve", "DNSStubListener"): ("yes", "no", "udp", "tcp"),
}
"""The section and name of a setting -> all of its values; with `yes`, other forms of booleans count too."""

_ACTIONS = (
    *("ignore", "poweroff", "reboot", "halt", "kexec", "soft-reboot", "suspend", "hibernate", "hybrid-sleep"),
    *("suspend-then-hibernate", "sleep", "lock", "factory-reset", "secure-attention-key"),
)
"""What logind does when a key is pressed, or a lid is closed."""

_BOOLEANS = {
    *(("Journal", f"ForwardTo{one}") for one in ("Syslog", "KMsg", "Console", "Wall")),
    *(("Login", one) for one in ("KillUserProcesses", "RemoveIPC", "LidSwitchIgnoreInhibited")),
    *(("Journal", "Seal"), ("Resolve", "ReadEtcHosts"), ("Manager", "DefaultMemoryAccounting")),
}

_SIZES = {
    *("SystemMaxUse", "SystemKeepFree", "SystemMaxFileSize", "RuntimeMaxUse", "RuntimeKeepFree"),
    *("RuntimeMaxFileSize", "MaxUse", "KeepFree", "ExternalSizeMax", "JournalSizeMax", "ProcessSizeMax"),
}


def systemd_settings(path: str, text: str) -> Iterator[WrongLine]:
    """What a program of systemd ignores in its settings; nothing for a file that is not known."""
    file = kind_of(path).name
    section = SECTION_OF_FILE.get(file, "")
    for one in settings(text) if section else ():
        if one.section and one.section != section:
            if one.opens_section and not one.section.startswith("X-"):
                message = f"systemd ignores the section [{one.section}] in {file}"
                yield WrongLine(one.line, "settings-section", message, f"write [{section}]")
        elif not one.opens_section and not one.has_equals:
            message = "systemd ignores a line without `=`"
            yield WrongLine(one.line, "setting-without-equals", message, "write Name=value")
        elif one.name and not one.section:
            message = "systemd ignores settings before the first section"
            yield WrongLine(one.line, "settings-section", message, f"write [{section}] before it")
        elif one.name and one.name not in table("settings")[section] and not one.name.startswith("X-"):
            near = did_you_mean(one.name, table("settings")[section]).strip(" ()")
            message = f"systemd does not know {one.name}= in [{section}] of {file} and ignores it"
            manual = {"system.conf": "systemd-system.conf", "user.conf": "systemd-system.conf"}.get(file, file)
            yield WrongLine(one.line, "settings-name", message, near or f"see {manual}(5)")
        elif one.name and (hint := _hint_for_value(section, one.name, one.value)):
            message = f"systemd ignores this value of {one.name}= in {file}"
            yield WrongLine(one.line, "settings-value", message, hint)


def _hint_for_value(section: str, name: str, value: str) -> str:
    """What to write in the place of a value that is certainly wrong; empty for any other value."""
    if not value or re.search("[%$@]", value):
        return ""
    is_boolean = value.lower() in {"yes", "no", "true", "false", "on", "off", "y", "n", "t", "f", "1", "0"}
    words = _WORDS.get((section, name))
    if section == "Login" and (name == "IdleAction" or re.fullmatch(r"Handle\w+(?<!LongPress)", name)):
        words = _ACTIONS
    if words:
        near = did_you_mean(value, words).strip(" ()")
        is_good = value in words or (is_boolean and "yes" in words)
        return "" if is_good else near or f"write one of: {', '.join(words)}"
    if (section, name) in _BOOLEANS:
        return "" if is_boolean else "write yes or no"
    if name in _SIZES:
        return "" if re.fullmatch(r"(?:\d+(?:\.\d*)?\s*[EPTGMKB]?\s*)+", value) else "write a size such as 500M or 1G"
    if name.endswith("Sec") and "Watchdog" not in name:
        return "write a time such as 90s, 5min or 1month" if wrong_span(value) else ""
    return ""
