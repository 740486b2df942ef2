"""The files of a root that hold its accounts, and the settings of the tools that write them."""

from __future__ import annotations

PASSWD, GROUP, SHADOW, GSHADOW = ACCOUNT_FILES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
"""Where accounts are; the root of a system has them."""

LOGIN_DEFS = "/etc/login.defs"


def login_settings(content: bytes | None) -> dict[str, str]:
    """Name -> value of login.defs(5), without quotes; empty without the file. A name without a value is left out."""
    words = [line.split() for line in (content or b"").decode(errors="replace").splitlines()]
    return {line[0]: line[1].strip('"') for line in words if len(line) > 1 and not line[0].startswith("#")}


def makes_user_groups(content: bytes | None) -> bool:
    """Whether useradd makes a group of the user's name, by login.defs(5); off without the setting."""
    return login_settings(content).get("USERGROUPS_ENAB", "").lower() == "yes"
