"""What reads a file of the machine: its path tells.

Sources: "UNIT FILE LOAD PATH" in systemd.unit(5), podman-systemd.unit(5), systemd.network(5), systemd-system.conf(5),
tmpfiles.d(5), sysusers.d(5), nm-settings-keyfile(5), sudoers(5), sshd_config(5), sshd(8).
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import NamedTuple


class FileKind(NamedTuple):
    """What reads a file. `reader` is empty if no known program does; `name` is the unit or file that is meant.

    A drop-in for all units of a type has the type as its `name`, such as `service`. Without `of_system`, the service
    managers of users read it.
    """

    reader: str
    name: str = ""
    is_dropin: bool = False
    of_system: bool = True


SYSTEMD_TYPES = (
    *("service", "socket", "mount", "automount", "swap", "path", "timer", "slice", "scope", "target", "device"),
    "snapshot",
)

QUADLET_TYPES = ("container", "volume", "network", "kube", "image", "build", "pod", "artifact")

_HOME = r"/(?:var/)?(?:home/[^/]+|root|roothome)"
_ANY = r"/(?:etc|run|usr/lib|usr/local/lib|lib)"

_OF_USERS = rf"{_ANY}/systemd/user|/usr/(?:local/)?share/systemd/user|{_HOME}/\.(?:config|local/share)/systemd/user"
_QUADLETS = rf"(?:/(?:etc|run|usr/share)|{_HOME}/\.config)/containers/systemd(?:/.+)?"

_LONGEST = 4096
"""The longest path of Linux in bytes (`limits.h`)."""

_OF_A_USER = re.compile(rf"{_HOME}/|/(?:etc|run|usr/share)/containers/systemd/users/")


def _names(types: tuple[str, ...]) -> str:
    """The form of a file below a directory of units: a whole unit, or a drop-in."""
    known = "|".join(types)
    return rf"/(?:(?P<unit>[^/]+\.(?:{known}))|(?P<changed>(?:[^/]+\.)?(?:{known}))\.d/[^/]+\.conf)"


_FORMS = (
    ("unit", re.compile(rf"{_ANY}/systemd/system(?:\.control|\.attached)?{_names(SYSTEMD_TYPES)}")),
    ("user-unit", re.compile(rf"(?:{_OF_USERS}){_names(SYSTEMD_TYPES)}")),
    ("quadlet", re.compile(rf"{_QUADLETS}{_names(QUADLET_TYPES)}")),
    ("network", re.compile(rf"{_ANY}/systemd/network{_names(('network', 'netdev', 'link'))}")),
    ("settings", re.compile(rf"{_ANY}/systemd/(?P<changed>[a-z-]+\.conf)(?:\.d/[^/]+\.conf)?")),
    ("tmpfiles", re.compile(rf"{_ANY}/(?:tmpfiles\.d)/[^/]+\.conf")),
    ("sysusers", re.compile(rf"{_ANY}/sysusers\.d/[^/]+\.conf")),
    ("keyfile", re.compile(r"/(?:etc|run|usr/lib)/NetworkManager/system-connections/[^/]+")),
    ("sudoers", re.compile(r"/etc/sudoers(?:\.d/[^/.]+)?")),
    ("sshd", re.compile(r"/etc/ssh/sshd_config(?:\.d/[^/]+\.conf)?")),
    ("keys", re.compile(rf"{_HOME}/\.ssh/authorized_keys(?:\.d/[^/.][^/]*)?")),
    ("locale", re.compile(r"/etc/locale\.conf")),
)


@lru_cache(maxsize=4096)
def kind_of(path: str) -> FileKind:
    """The kind of a file by its absolute path on the machine. It is kept, because many lints ask for each file."""
    simple = posixpath.normpath(path)
    if len(simple) > _LONGEST:
        return FileKind("")
    for reader, form in _FORMS:
        match = form.fullmatch(simple)
        if match:
            found = match.groupdict()
            name = found.get("unit") or found.get("changed") or ""
            of_users = reader == "user-unit" or _OF_A_USER.match(simple) is not None
            return FileKind(reader.removeprefix("user-"), name, not found.get("unit"), of_system=not of_users)
    return FileKind("")
