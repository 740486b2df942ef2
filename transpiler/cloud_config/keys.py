"""Keys that coreos-cloudinit does not have: most are those of cloud-init, which other distributions run."""

from __future__ import annotations

from provision.config.model import Record
from provision.config.problems import Path
from transpiler.butane.hints import nearest, record_at
from transpiler.cloud_config.options import PROGRAMS

_COMMANDS = "write a unit with `ExecStart=` under coreos.units"

_OF_CLOUD_INIT = {
    "": {
        "apt": "put packages into the image, or let a unit install them",
        "bootcmd": _COMMANDS,
        "chpasswd": "write the hash of a password as users.passwd",
        "disk_setup": "convert the rest, and add storage.disks to the result",
        "disable_root": "write a file for sshd under write_files",
        "fqdn": "write it as hostname",
        "fs_setup": "convert the rest, and add storage.filesystems to the result",
        "groups": "convert the rest, and add passwd.groups to the result",
        "growpart": "remove it: the root file system of Container Linux grows by itself",
        "locale": "write /etc/locale.conf under write_files",
        "mounts": "write a unit that ends in .mount under coreos.units",
        "ntp": "write /etc/systemd/timesyncd.conf under write_files",
        "packages": "put them into the image, or let a unit install them",
        "package_update": "remove it, or let a unit do it",
        "package_upgrade": "remove it, or let a unit do it",
        "power_state": _COMMANDS,
        "preserve_hostname": "remove it",
        "resize_rootfs": "remove it: the root file system of Container Linux grows by itself",
        "runcmd": _COMMANDS,
        "ssh_keys": "write the keys of the host under write_files",
        "ssh_pwauth": "write a file for sshd under write_files",
        "swap": "write a unit that ends in .swap under coreos.units",
        "timezone": "convert the rest, and add a link /etc/localtime to the result",
        "user": "write a list under users",
    },
    "users": {
        "expiredate": "remove it, or set it by a unit with `chage`",
        "hashed_passwd": "write passwd",
        "lock_passwd": "remove it: without passwd, an account has no password",
        "plain_text_passwd": "write the hash of the password as passwd",
        "ssh_import_id": "write the keys themselves under ssh_authorized_keys",
        "sudo": "write a file below /etc/sudoers.d under write_files, or add the group sudo or wheel",
        "uid": "convert the rest, and add uid to the account of the result",
    },
    "write_files": {
        "append": "write the whole file",
        "defer": "remove it: files are written after accounts are made",
        "source": "write the content, or convert the rest and add contents.source to the result",
    },
    "coreos": {"write_files": "write it at the top, not below coreos"},
    "units": {"contents": "write content", "dropins": "write drop_ins", "enabled": "write enable"},
}
"""Section -> unknown key -> what to do. The top is the empty name."""


def key_hint(path: Path, record: type[Record]) -> str:
    """What to do instead of an unknown key, or the most similar name; may be empty."""
    key = str(path[-1])
    above = [part for part in path[:-1] if isinstance(part, str)]
    section = above[-1] if above else ""
    hint = _OF_CLOUD_INIT.get(section, {}).get(key, "")
    programs = [name for name, program in PROGRAMS.items() if key in program.options]
    if not hint and section in PROGRAMS and programs:
        hint = f"{key} is an option of {', '.join(programs)}"
    at = record_at(record, path[:-1])
    return hint or nearest(key, {field.name for field in at.FIELDS} if at else set()) or "remove it"
