"""Golden cases of cloud-configs: our own inputs, and what coreos-cloudinit makes of them.

A case is a folder below `cases/<topic>/`:

    case.yaml        the input
    case.made        what coreos-cloudinit made (JSON): files, accounts, keys, and what it told systemd
    case.options     NAME=ADDRESS, the addresses of the machine
    case.report      our problems, a line each

The program ran in a root of its own with the accounts root and core, an empty /etc/coreos/update.conf, and the host
name machine-from-dhcp; in place of systemd's bus it had a file to which its calls were written.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

from provision.config.format import Config, File, User
from provision.config.resources.content import inline_content
from tests.transpiler.golden_case import GoldenCase
from transpiler.cloud_config.conversion import ConvertedCloudConfig, convert
from transpiler.cloud_config.parts import TMPFILES
from transpiler.cloud_config.units import COMMANDS_UNIT

CASES = Path(__file__).parent / "cases"

HOME = "/home"


class Case(GoldenCase):
    """One golden case."""

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses of the machine."""
        words = self.read("case.options").split()
        return {name: address for name, _, address in (word.partition("=") for word in words)}

    @property
    def made(self) -> dict[str, Any]:
        """What coreos-cloudinit made."""
        made: dict[str, Any] = json.loads(self.read("case.made"))
        return made

    @property
    def converted(self) -> ConvertedCloudConfig:
        """Our conversion."""
        return convert(self.text, name="case.yaml", addresses=self.addresses)


@cache
def cases() -> list[Case]:
    """All cases."""
    return Case.all_below(CASES)


def report(converted: ConvertedCloudConfig) -> str:
    """Our problems, a line each."""
    lines = [f"{one.place}: {one.problem.severity}: {one.message}" for one in converted.findings()]
    return "".join(f"{line}\n" for line in lines)


def made_by(config: Config) -> dict[str, Any]:
    """What a machine makes of a config, in the form of `case.made`."""
    files = {file.path: _file(file) for file in config.storage.files if file.path != "/etc/hostname"}
    files = _copied_at_boot(files)
    files |= {link.path: {"target": link.target} for link in config.storage.links}
    hostname = next((_text(file) for file in config.storage.files if file.path == "/etc/hostname"), "")
    calls = []
    for unit in config.systemd.units:
        if unit.name == COMMANDS_UNIT.format(""):
            calls += re.findall(r"(?m)^ExecStart=-/usr/bin/systemctl (.*)$", unit.contents or "")
            continue
        path = f"/etc/systemd/system/{unit.name}"
        if unit.contents:
            files[path] = _plain(unit.contents)
        if unit.mask:
            files[path] = {"target": "/dev/null"}
        files |= {f"{path}.d/{one.name}": _plain(one.contents or "") for one in unit.dropins}
        if unit.enabled:
            calls.append(f"enable {unit.name}")
    return {
        "hostname": hostname,
        "files": files,
        "accounts": {user.name: _account(user) for user in config.passwd.users if _has_account(user)},
        "keys": {user.name: list(user.ssh_authorized_keys) for user in config.passwd.users if user.ssh_authorized_keys},
        "calls": sorted(calls),
    }


def comparable(made: dict[str, Any]) -> dict[str, Any]:
    """What coreos-cloudinit made, without the known differences (docs/decisions/0015-cloud-config.md)."""
    files = {}
    hostname = ""
    for path, file in made["files"].items():
        if "base64" in file:
            file["text"] = base64.b64decode(file.pop("base64")).decode("utf-8", "surrogateescape")
        if path == "/etc/hostname":
            hostname = file["text"]
        elif path != "/etc/environment" and not path.endswith("/cloudinit-temp"):
            files[re.sub(r"^/run/systemd/", "/etc/systemd/", path)] = file
    for account in made["accounts"].values():
        if account.get("gecos", "").startswith('"'):
            account["gecos"] = account["gecos"][1:-1]
    ours = ("restart locksmithd.service", "stop locksmithd.service", "restart update-engine.service")
    given = [call for call in made["calls"] if call not in ours]
    commands = [call for call in given if not call.startswith("enable")]
    if commands[:1] == ["restart systemd-networkd.service"]:
        given.remove(commands[0])  # coreos-cloudinit's own, which comes before all commands
    return {
        "hostname": hostname,
        "files": files,
        "accounts": {name: _without_unset(account) for name, account in made["accounts"].items()},
        "keys": {name: list(dict.fromkeys(filter(None, lines))) for name, lines in made["keys"].items()},
        "calls": sorted({re.sub("^enable (true|false) ", "enable ", call) for call in given}),
    }


def _file(file: File) -> dict[str, Any]:
    return {
        "mode": f"{file.mode:04o}",
        "user": _owner(file.user),
        "group": _owner(file.group),
        "text": _text(file),
    }


def _owner(owner: Any) -> str:
    return owner.name or ("root" if owner.id is None else str(owner.id))


def _text(file: File) -> str:
    return (inline_content(file.contents) or b"").decode("utf-8", "surrogateescape")


def _plain(text: str) -> dict[str, Any]:
    return {"mode": "0644", "user": "root", "group": "root", "text": text}


def _copied_at_boot(files: dict[str, Any]) -> dict[str, Any]:
    """The files with those that systemd-tmpfiles copies at their places."""
    lines = files.pop(TMPFILES.format(""), {"text": ""})["text"].splitlines()
    for line in lines:
        kind, path, *_ = shlex.split(line.replace("%%", "%"))
        assert kind == "C"
        files[path] = files.pop(_unescaped(line.rpartition(" ")[2]))
    return files


def _unescaped(text: str) -> str:
    return re.sub(r"\\x(..)", lambda match: chr(int(match[1], 16)), text.replace("%%", "%"))


def _has_account(user: User) -> bool:
    return user.name not in {"core", "root"} or user.password_hash is not None


def _account(user: User) -> dict[str, Any]:
    account: dict[str, Any] = {"password": user.password_hash.reveal() if user.password_hash else "*"}
    if user.name in {"core", "root"}:
        return account
    return account | {
        "gecos": user.gecos or "",
        "home": user.home_dir or f"{HOME}/{user.name}",
        "shell": user.shell,
        "group": user.primary_group or ("users" if user.no_user_group else user.name),
        "groups": sorted(user.groups),
        "system": bool(user.system),
        "home_made": not user.no_create_home,
    }


def _without_unset(account: dict[str, Any]) -> dict[str, Any]:
    """The shell that useradd chooses by default is not in the config."""
    if account.get("shell") in {"/bin/bash", ""}:
        return account | {"shell": None}
    return account
