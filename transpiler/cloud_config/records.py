"""The records of a cloud-config of CoreOS.

An absent value is the same as an empty one. Types are read at run time, so this module has no
`from __future__ import annotations`. Source: the files `config/*.go` of coreos/coreos-cloudinit.
"""

from functools import cache

from provision.config.model import Record, Secret, list_of, nested, value
from transpiler.cloud_config.options import PROGRAMS, SECRETS, Program, kind_of
from transpiler.reading.extended_record import extended

ENCODINGS = ("base64", "b64", "gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64")
"""How the content of a file may be encoded."""

COMMANDS = ("start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart")
"""What systemd may be told to do with a unit."""

STRATEGIES = ("etcd-lock", "reboot", "off")
"""How restarts after updates are coordinated."""


class User(Record):
    """An account."""

    name: str = value("name of the account", example="core")
    passwd: Secret = value("hash of the password", secret=True)
    ssh_authorized_keys: tuple[str, ...] = list_of(str, "public keys that may log in")
    coreos_ssh_import_github: str = value("account of GitHub whose keys may log in")
    coreos_ssh_import_github_users: tuple[str, ...] = list_of(str, "accounts of GitHub whose keys may log in")
    coreos_ssh_import_url: str = value("URL of keys that may log in")
    gecos: str = value("real name or comment")
    homedir: str = value("home directory")
    no_create_home: bool = value("do not create the home directory")
    primary_group: str = value("name of the primary group")
    groups: tuple[str, ...] = list_of(str, "supplementary groups")
    no_user_group: bool = value("do not create a group named after the user")
    system: bool = value("whether it is a system account")
    no_log_init: bool = value("do not add the user to lastlog and faillog")
    shell: str = value("login shell")


class WrittenFile(Record):
    """A file."""

    encoding: str = value("encoding of the content", constraint=f"one of {', '.join(ENCODINGS)}")
    content: str = value("content of the file", secret=True)
    owner: str = value("owner as chown(1) takes it", example="root:root")
    path: str = value("absolute path", example="/etc/motd")
    permissions: str = value("permission bits in octal (default 0644)", example="0644")


class DropIn(Record):
    """A drop-in of a unit."""

    name: str = value("file name", example="10-limits.conf")
    content: str = value("text of the drop-in", secret=True)


class Unit(Record):
    """A unit of systemd or systemd-networkd."""

    name: str = value("name of the unit with its suffix", example="web.service")
    mask: bool = value("whether the unit is masked")
    enable: bool = value("whether the unit is enabled")
    runtime: bool = value("whether the unit is forgotten at the next restart")
    content: str = value("text of the unit", secret=True)
    command: str = value("what systemd does with the unit", constraint=f"one of {', '.join(COMMANDS)}")
    drop_ins: tuple[DropIn, ...] = list_of(DropIn, "drop-ins")


class Update(Record):
    """Updates of the operating system."""

    reboot_strategy: str = value("how restarts are coordinated", constraint=f"one of {', '.join(STRATEGIES)}")
    group: str = value("update group", example="stable")
    server: str = value("URL of an update server", example="https://example.com/v1/update/")


class Oem(Record):
    """What the maker of an image says about it."""

    id: str = value("short name", example="example")
    name: str = value("name")
    version_id: str = value("version")
    home_url: str = value("home page")
    bug_report_url: str = value("where bugs are reported")


class CoreOS(Record):
    """The parts of Container Linux."""

    oem: Oem = nested(Oem, "what the maker of an image says about it")
    update: Update = nested(Update, "updates of the operating system")
    units: tuple[Unit, ...] = list_of(Unit, "units of systemd")


class CloudConfig(Record):
    """A cloud-config of CoreOS."""

    ssh_authorized_keys: tuple[str, ...] = list_of(str, "public keys that may log in as core")
    coreos: CoreOS = nested(CoreOS, "the parts of Container Linux")
    write_files: tuple[WrittenFile, ...] = list_of(WrittenFile, "files")
    hostname: str = value("name of this machine")
    users: tuple[User, ...] = list_of(User, "accounts")
    manage_etc_hosts: str = value("what /etc/hosts is made of", constraint="only `localhost`")


@cache
def config_record() -> type[CloudConfig]:
    """The record of a cloud-config, with a section for each program that reads its options from its environment."""
    sections = {name: (_options(name, program), program.doc) for name, program in PROGRAMS.items()}
    return extended(CloudConfig, {"coreos": (extended(CoreOS, sections), "the parts of Container Linux")})


def _options(name: str, program: Program) -> type[Record]:
    """The record of a program's section: each option is a value."""
    kinds = {option: kind_of(option) for option in program.options}
    fields = {
        option: value(f"variable {program.variable(option)}", secret=option in SECRETS) for option in program.options
    }
    members = {**fields, "__doc__": f"Options of {program.doc}.", "__annotations__": kinds}
    return type(name.capitalize(), (Record,), members)
