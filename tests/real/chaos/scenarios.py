"""Configs that together need every action on a tree, each with the root that it is applied to."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.real.chaos.contents import Contents, contents_of_tree
from tests.real.chaos.faults import KILL, POWER_LOSS, SHORT, TORN, Kind

Errors = Mapping[Kind, tuple[int, ...]]
"""The errors that are tried at each kind of call."""

CHANGE_ERRORS = (KILL, errno.EIO, errno.ENOSPC, errno.ENOMEM, errno.EINTR)
ON_TREES: Errors = {"change": CHANGE_ERRORS, "memory": (errno.ENOMEM,), "write": (SHORT, TORN)}
WITH_SERVER: Errors = {**ON_TREES, "network": (errno.ECONNRESET, errno.ETIMEDOUT, errno.EINTR)}
OF_POWER: Errors = {"change": (POWER_LOSS,)}

REMOTE = b"from afar\n" * 9000
PACKED = gzip.compress(b"packed\n" * 3000, mtime=0)


def applied(folder: Path) -> list[str]:
    """The command line of `provision apply --root`."""
    return ["provision", "apply", f"{folder}/config.ign", "--root", f"{folder}/root"]


def as_stage(folder: Path) -> list[str]:
    """The command line of the files stage, as a boot starts it."""
    files = {"config-cache": "config.ign", "state-file": "state", "neednet": "neednet", "root": "root"}
    options = [f"--{name}={folder / file}" for name, file in files.items()]
    return ["ignition", "--stage=files", "--platform=metal", "--log-to-stdout", *options]


class Scenario(NamedTuple):
    """A config, what it is applied to, and how; `{url}` in the config is a server that answers.

    `prepare` makes the state before the run in a folder, each time the same, and `contents` tells what is in it after a
    run. If the scenario is `atomic`, a run that fails has changed nothing.
    """

    name: str
    config: Mapping[str, Any]
    prepare: Callable[[Path], None]
    command_line: Callable[[Path], list[str]]
    errors: Errors = ON_TREES
    contents: Callable[[Path], Contents] = contents_of_tree
    atomic: bool = False

    def write_config(self, path: Path, url: str) -> None:
        """Write the config to a file."""
        text = json.dumps({"ignition": {"version": "3.4.0"}, **self.config})
        path.write_text(text.replace("{url}", url))


def _in_tree(make_root: Callable[[Path], None]) -> Callable[[Path], None]:
    """Prepare a folder with a root, a state file that is not there, and something outside that a link leads to."""

    def prepare(folder: Path) -> None:
        root, outside = folder / "root", folder / "outside"
        if root.exists():
            shutil.rmtree(root)
        for left in folder.glob("state*"):
            left.unlink()
        root.mkdir()
        make_root(root)
        if not outside.exists():
            outside.mkdir()
            (outside / "file").write_text("not ours")
        (root / "leads-out").symlink_to(outside)

    return prepare


def _file(path: Path, text: str = "", mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _plain_root(root: Path) -> None:
    _file(root / "etc/aaa", "a\n")
    _file(root / "etc/sudoers", "root ALL\n", 0o440)
    _file(root / "etc/mode", "kept\n", 0o644)
    _file(root / "etc/list", "one\n")
    _file(root / "etc/long", "x" * 5000)
    _file(root / "etc/old.d/a/b", "b")
    _file(root / "etc/old.d/c", "c")
    _file(root / "srv/there/file", "there")
    _file(root / "usr/lib/thing", "thing")
    (root / "lib").symlink_to("usr/lib")
    (root / "etc/was-link").symlink_to("/usr/lib/thing")
    os.link(root / "usr/lib/thing", root / "usr/lib/thing-too")


def _data(text: str) -> dict[str, str]:
    return {"source": f"data:,{text}"}


NODES = Scenario(
    "nodes",
    {
        "storage": {
            "directories": [
                {"path": "/srv/a/b/c", "mode": 448, "user": {"id": 10}},
                {"path": "/etc/old.d", "overwrite": True},
                {"path": "/srv/there", "mode": 488, "group": {"id": 7}},
            ],
            "files": [
                {"path": "/etc/aaa", "overwrite": True, "contents": _data("longer-than-before")},
                {"path": "/etc/sudoers", "append": [_data("line%0A")]},
                {"path": "/etc/mode", "mode": 416},
                {"path": "/etc/list", "append": [_data("two%0A"), _data("three%0A")]},
                {"path": "/etc/new-list", "append": [_data("one%0A")]},
                {
                    "path": "/etc/long",
                    "overwrite": True,
                    "mode": 256,
                    "contents": _data("short"),
                    "append": [_data("-er")],
                },
                {"path": "/etc/was-link", "overwrite": True, "contents": _data("file")},
                {"path": "/lib/through", "contents": _data("a-link"), "user": {"id": 3}, "group": {"id": 4}},
                {"path": "/srv/set-id", "mode": 2541, "contents": _data("x")},
                *({"path": f"/srv/a/f{number}", "contents": _data(str(number))} for number in range(4)),
            ],
            "links": [
                {"path": "/srv/link", "target": "a/f1"},
                {"path": "/srv/hard", "target": "/srv/a/f2", "hard": True},
                {"path": "/etc/over", "target": "/etc/aaa", "overwrite": True},
            ],
        }
    },
    _in_tree(_plain_root),
    applied,
)

FETCHED = Scenario(
    "fetched",
    {
        "storage": {
            "files": [
                {"path": "/opt/remote", "contents": {"source": "{url}/remote"}},
                {"path": "/opt/packed", "contents": {"source": "{url}/packed", "compression": "gzip"}},
                {"path": "/opt/both", "contents": {"source": "{url}/remote"}, "append": [{"source": "{url}/remote"}]},
                {"path": "/etc/list", "append": [{"source": "{url}/remote"}]},
                {"path": "/etc/aaa", "overwrite": True, "contents": {"source": "{url}/remote"}},
            ]
        }
    },
    _in_tree(_plain_root),
    applied,
    WITH_SERVER,
)


def _system_root(root: Path) -> None:
    _plain_root(root)
    _file(
        root / "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nold:x:900:900::/home/old:/bin/sh\nkept:x:901:901::/:/bin/sh\n",
    )
    _file(root / "etc/group", "root:x:0:\nwheel:x:10:\nold:x:900:\nkept:x:901:\ngone:x:902:\n")
    _file(root / "etc/shadow", "root:*:19000:0:99999:7:::\nold:!:19000::::::\nkept:!:19000::::::\n", 0o640)
    _file(root / "etc/gshadow", "root:*::\nwheel:!::\nold:!::\nkept:!::\ngone:!::\n", 0o640)
    _file(root / "etc/subuid", "old:100000:65536\n")
    _file(root / "etc/subgid", "old:100000:65536\n")
    _file(
        root / "etc/login.defs",
        "USERGROUPS_ENAB yes\nUID_MIN 1000\nUID_MAX 60000\nCREATE_HOME yes\nSUB_UID_COUNT 65536\n"
        "MAIL_DIR /var/mail\nHOME_MODE 0700\n",
    )
    _file(root / "etc/default/useradd", "CREATE_MAIL_SPOOL=yes\n")
    _file(root / "etc/skel/.profile", "profile\n")
    (root / "etc/skel/.bashrc").symlink_to("/etc/skel/.profile")
    _file(root / "etc/skel/.config/deep/file", "deep\n")
    _file(root / "home/old/file", "old")
    for path in (root / "home/old", root / "home/old/file"):
        os.chown(path, 900, 900)
    (root / "root").mkdir(mode=0o700)
    (root / "var/mail").mkdir(parents=True)
    (root / "tmp").mkdir(mode=0o1777)


ACCOUNTS = Scenario(
    "accounts",
    {
        "passwd": {
            "groups": [
                {"name": "deploy", "gid": 2000, "passwordHash": "$y$j9T$g"},
                {"name": "wheel", "gid": 11},
                {"name": "gone", "shouldExist": False},
                {"name": "daemons", "system": True},
            ],
            "users": [
                {
                    "name": "core",
                    "uid": 1000,
                    "groups": ["deploy", "wheel"],
                    "sshAuthorizedKeys": ["ssh-ed25519 AAAA"],
                    "passwordHash": "$y$j9T$x",
                },
                {"name": "app", "groups": ["deploy"], "noCreateHome": True, "noUserGroup": True},
                {"name": "kept", "shell": "/bin/bash", "groups": ["wheel"], "passwordHash": "$y$j9T$k"},
                {"name": "old", "shouldExist": False},
            ],
        },
        "storage": {
            "files": [
                {"path": "/home/core/notes", "user": {"name": "core"}, "contents": _data("hi")},
                {"path": "/etc/list", "append": [_data("two%0A")]},
            ]
        },
    },
    _in_tree(_system_root),
    applied,
)


def _homes_root(root: Path) -> None:
    _system_root(root)
    with (root / "etc/passwd").open("a") as passwd:
        passwd.write("mover:x:902:902::/home/mover:/bin/sh\nnumber:x:903:903::/home/number:/bin/sh\n")
    with (root / "etc/group").open("a") as group:
        group.write("mover:x:912:\nnumber:x:913:\nmail:x:8:\n")
    with (root / "etc/shadow").open("a") as shadow:
        shadow.write("mover:!:19000::::::\nnumber:!:19000::::::\n")
    for name, number in (("mover", 902), ("number", 903)):
        _file(root / f"home/{name}/a/file", name)
        _file(root / f"home/{name}/b", name)
        _file(root / f"var/mail/{name}", "a letter", 0o660)
        for path in (root / f"home/{name}", *(root / f"home/{name}").rglob("*"), root / f"var/mail/{name}"):
            os.lchown(path, number, number)
    (root / "home/there").mkdir()


HOMES = Scenario(
    "homes",
    {
        "passwd": {
            "groups": [{"name": "number", "gid": 953}],
            "users": [
                {"name": "mover", "homeDir": "/srv/mover"},
                {"name": "number", "uid": 953, "groups": ["wheel"]},
                {"name": "far", "homeDir": "/srv/deep/er/far", "uid": 1500, "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]},
                {"name": "there", "uid": 1600},
            ],
        },
    },
    _in_tree(_homes_root),
    applied,
)


def _unit_root(root: Path) -> None:
    _system_root(root)
    _file(root / "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    _file(root / "etc/systemd/system-preset/20-ignition.preset", "enable vendor.service\n")
    _file(root / "etc/systemd/system/a.service", "[Unit]\nDescription=before\n[Install]\nWantedBy=x.target\n")
    _file(root / "usr/lib/systemd/system/c.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x.target\n")
    _file(root / "usr/lib/systemd/system/d.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x.target\n")
    (root / "etc/systemd/system/x.target.wants").mkdir()
    (root / "etc/systemd/system/x.target.wants/d.service").symlink_to("/usr/lib/systemd/system/d.service")
    (root / "etc/systemd/system/e.service").symlink_to("/dev/null")
    _file(root / "etc/crypttab", "old UUID=1 none\n", 0o600)


UNITS = Scenario(
    "units",
    {
        "systemd": {
            "units": [
                {
                    "name": "a.service",
                    "enabled": True,
                    "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x.target\n",
                },
                {"name": "b.service", "mask": True},
                {"name": "c.service", "enabled": True, "dropins": [{"name": "1.conf", "contents": "[Unit]\n"}]},
                {"name": "d.service", "enabled": False},
                {"name": "e.service", "mask": False},
                {"name": "f@1.service", "enabled": True, "contents": "[Install]\nWantedBy=x.target\n"},
            ]
        },
        "storage": {"files": [{"path": "/etc/list", "append": [_data("two%0A")]}]},
    },
    _in_tree(_unit_root),
    applied,
)

STAGE = NODES._replace(name="stage", command_line=as_stage)

POWER = tuple(one._replace(name=f"power-{one.name}", errors=OF_POWER) for one in (NODES, FETCHED, ACCOUNTS, UNITS))
"""The same on a file system that loses what is not on the disk."""

TREES = (NODES, FETCHED, ACCOUNTS, HOMES, UNITS, STAGE)
