"""Settings of the programs of systemd: system.conf, journald.conf, resolved.conf and others, and their drop-ins.

Sources: systemd-system.conf(5), journald.conf(5), logind.conf(5), resolved.conf(5), timesyncd.conf(5),
systemd-sleep.conf(5), oomd.conf(5), coredump.conf(5).
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.ini import settings
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.kinds_of_values import hint_for
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
        elif one.name and (hint := hint_for(table("settings")[section].get(one.name, ""), one.value)):
            message = f"systemd ignores this value of {one.name}= in {file}"
            yield WrongLine(one.line, "settings-value", message, hint)
