"""The files of a root that hold its accounts, and the settings of the tools that write them."""

from __future__ import annotations

from collections.abc import Iterator

from provision.planning.machine_view import Account, is_id

PASSWD, GROUP, SHADOW, GSHADOW = ACCOUNT_FILES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
"""Where accounts are; the root of a system has them."""

LOGIN_DEFS = "/etc/login.defs"
USERADD_DEFAULTS = "/etc/default/useradd"


def login_settings(content: bytes | None) -> dict[str, str]:
    """Name -> value of login.defs(5), without quotes; empty without the file. A name without a value is left out."""
    words = [line.split() for line in (content or b"").decode(errors="replace").splitlines()]
    return {line[0]: line[1].strip('"') for line in words if len(line) > 1 and not line[0].startswith("#")}


def makes_user_groups(content: bytes | None) -> bool:
    """Whether useradd makes a group of the user's name, by login.defs(5); off without the setting."""
    return login_settings(content).get("USERGROUPS_ENAB", "").lower() == "yes"


def read_accounts(kind: str, content: bytes) -> Iterator[Account]:
    """The accounts of a passwd file (`kind` is "user"; passwd(5)) or of a group file ("group"; group(5)).

    Lines of another form are left out.
    """
    for line in content.decode(errors="surrogateescape").splitlines():
        fields = line.split(":")
        if kind == "user" and len(fields) == 7 and is_id(fields[2]) and is_id(fields[3]):
            yield Account(fields[0], int(fields[2]), int(fields[3]), fields[5], fields[6])
        elif kind == "group" and len(fields) == 4 and is_id(fields[2]):
            yield Account(fields[0], int(fields[2]))


def mail_spools(login_defs: bytes | None, defaults: bytes | None) -> str:
    """The directory in which useradd makes a mail spool for a new user; empty if it makes none.

    Its settings are MAIL_DIR of login.defs(5), and CREATE_MAIL_SPOOL of useradd's defaults (useradd(8)).
    """
    wanted = useradd_settings(defaults).get("CREATE_MAIL_SPOOL", "").lower() == "yes"
    return login_settings(login_defs).get("MAIL_DIR", "") if wanted else ""


def useradd_settings(content: bytes | None) -> dict[str, str]:
    """Name -> value of useradd's defaults (useradd(8), "Changing the default values"); empty without the file."""
    lines = (content or b"").decode(errors="replace").splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return {name: value.strip() for name, _, value in pairs}
