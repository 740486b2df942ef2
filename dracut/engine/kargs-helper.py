#!/usr/bin/python3 -IS
"""ignition-kargs-helper: changes the kernel arguments of the installed system and, if anything changed, reboots.

    ignition-kargs-helper [--should-exist ARGUMENT | --should-not-exist ARGUMENT]...

Ignition's protocol: https://coreos.github.io/ignition/operator-notes/#kernel-arguments
With PROVISION_KARGS_REBOOT=no in the environment it does not reboot. /etc/provision-kargs.conf, which is copied into
the initramfs, names the boot loader in lines of NAME=VALUE:

    LOADER=bls            changes loader/entries/*.conf of BOOT
    LOADER=grub           changes grub/grub.cfg of BOOT, and /etc/default/grub of ROOT for the next grub-mkconfig
    LOADER=systemd-boot   changes loader/entries/*.conf of BOOT, and /etc/kernel/cmdline of ROOT for kernel-install
    BOOT=LABEL=boot       file system with the boot loader's files, in a form that mount(8) knows; or a directory
    ROOT=LABEL=root       root file system, or a directory; the same as BOOT if there is no boot partition

It is in Python because the initramfs has Python for the engine, and would have bash only for this program.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

CONFIG = "/etc/provision-kargs.conf"

ENTRY = re.compile(rb"(options\s+)(.*)()")
GRUB_CFG = re.compile(rb"(\s*linux\S*\s+\S+\s+)(.*)()")
GRUB_DEFAULTS = re.compile(rb'(GRUB_CMDLINE_LINUX=")(.*)(")')
WHOLE_LINE = re.compile(rb"()(.*)()")
"""Lines with arguments. Three groups: the text before the arguments, the arguments, the text after them."""


class Refused(Exception):
    """Nothing more can be done; the message says why."""


class Change(NamedTuple):
    """The arguments that a boot loader has to have and those that it must not have; each may be several words."""

    wanted: Sequence[bytes]
    unwanted: Sequence[bytes]

    def applied(self, arguments: bytes) -> bytes:
        """A line of arguments without the unwanted ones and, at its end, with the wanted ones that were missing."""
        line = b" " + arguments + b" "
        for one in self.unwanted:
            while b" " + one + b" " in line:
                line = line.replace(b" " + one + b" ", b" ", 1)
        for one in self.wanted:
            if b" " + one + b" " not in line:
                line += one + b" "
        return line[1:].removesuffix(b" ")


def main(arguments: list[str]) -> None:
    """Do what the arguments say. Raises Refused, OSError."""
    name = os.environ.get("PROVISION_KARGS_CONF", CONFIG)
    settings, change = _settings(name), _change(arguments)
    with ExitStack() as mounts:
        changed = _carry_out(settings, change, name, mounts)
    if changed and os.environ.get("PROVISION_KARGS_REBOOT") != "no":
        print("kernel arguments changed: rebooting", flush=True)
        with_systemd = os.path.isdir("/run/systemd/system")
        subprocess.run(["systemctl", "reboot", "--force"] if with_systemd else ["reboot", "-f"], check=True)
        while True:  # so that no later stage begins before the reboot
            time.sleep(3600)


def _settings(name: str) -> dict[str, str]:
    found = {"LOADER": "", "BOOT": "", "ROOT": ""}
    with open(name, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith("#"):
                found[key] = _plain(value)
    return found


def _plain(value: str) -> str:
    """A value as sh(1) reads it: in quotes, or up to a space, after which there may be a comment."""
    if value[:1] in {"'", '"'}:
        return value[1:].partition(value[0])[0]
    return value.split(maxsplit=1)[0] if value.strip() else ""


def _change(arguments: list[str]) -> Change:
    wanted: list[bytes] = []
    unwanted: list[bytes] = []
    rest = iter(arguments)
    for option in rest:
        value = next(rest, None)
        if value is None:
            raise Refused(f"{option}: an argument is missing")
        if option not in {"--should-exist", "--should-not-exist"}:
            raise Refused(f"{option}: unknown option")
        (wanted if option == "--should-exist" else unwanted).append(os.fsencode(value))
    return Change(wanted, unwanted)


def _carry_out(settings: dict[str, str], change: Change, name: str, mounts: ExitStack) -> bool:
    """Change the files of the boot loader. Returns whether anything changed; raises Refused."""
    loader = settings["LOADER"]
    if loader not in {"bls", "grub", "systemd-boot"}:
        raise Refused(f"LOADER={loader} is unknown; see {name}")
    boot = root = _opened(settings["BOOT"], name, mounts)
    # without a boot partition its files are in a directory of the system
    if os.path.isdir(f"{boot}/boot/loader") or os.path.isdir(f"{boot}/boot/grub"):
        boot = f"{boot}/boot"
    if settings["ROOT"] not in {"", settings["BOOT"]} and loader != "bls":
        root = _opened(settings["ROOT"], name, mounts)
    if loader == "grub":
        files = [(f"{boot}/grub/grub.cfg", GRUB_CFG), (f"{root}/etc/default/grub", GRUB_DEFAULTS)]
    else:
        files = [(path, ENTRY) for path in _entries(boot, name)]
        files += [(f"{root}/etc/kernel/cmdline", WHOLE_LINE)] if loader == "systemd-boot" else []
    return any([_rewrite(path, expression, change, name) for path, expression in files])  # noqa: C419 - all of them


def _opened(place: str, name: str, mounts: ExitStack) -> str:
    """The directory, or one on which the file system is mounted until `mounts` ends."""
    if os.path.isdir(place):
        return place
    folder = tempfile.mkdtemp()
    mounts.callback(os.rmdir, folder)
    if subprocess.run(["mount", place, folder], check=False).returncode:
        raise Refused(f"{place}: cannot be mounted; see {name}")
    mounts.callback(subprocess.run, ["umount", folder], check=True)
    return folder


def _entries(boot: str, name: str) -> list[str]:
    folder = f"{boot}/loader/entries"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    paths = [f"{folder}/{one}" for one in names if one.endswith(".conf") and not one.startswith(".")]
    found = [path for path in paths if os.path.isfile(path)]
    if not found:
        raise Refused(f"{folder}: there are no entries; see {name}")
    return found


def _rewrite(path: str, expression: re.Pattern[bytes], change: Change, name: str) -> bool:
    """Rewrite the lines that match, with the file's mode. Returns whether any changed. The new file is on the disk."""
    if not os.path.isfile(path):
        raise Refused(f"{path}: there is no such file; see {name}")
    with open(path, "rb") as file:
        before = file.read()
        mode = os.fstat(file.fileno()).st_mode & 0o7777
    lines = [_line(line, expression, change) for line in before.removesuffix(b"\n").split(b"\n")]
    after = b"\n".join(lines) + b"\n" if before else b""
    if after == before:
        return False
    with open(f"{path}.new", "wb", opener=lambda new, flags: os.open(new, flags, 0o600)) as file:
        file.write(after)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return True


def _line(line: bytes, expression: re.Pattern[bytes], change: Change) -> bytes:
    found = expression.fullmatch(line)
    return line if found is None else found[1] + change.applied(found[2]) + found[3]


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Refused, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"ignition-kargs-helper: {error}")
