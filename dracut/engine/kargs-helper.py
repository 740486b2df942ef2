#!/usr/bin/python3 -IS
"""ignition-kargs-helper: changes the kernel arguments of the installed system and, if anything changed, reboots.

    ignition-kargs-helper [--should-exist ARGUMENT | --should-not-exist ARGUMENT]...

Ignition's protocol: https://coreos.github.io/ignition/operator-notes/#kernel-arguments
With PROVISION_KARGS_REBOOT=no in the environment it does not reboot. /etc/provision-kargs.conf, which is copied into
the initramfs, names the boot loader in lines of NAME=VALUE:

    LOADER=bls            changes loader/entries/*.conf of BOOT
    LOADER=grub           changes grub/grub.cfg of BOOT, and /etc/default/grub of ROOT for the next grub-mkconfig; if
                          grub.cfg contains the command blscfg, also loader/entries/*.conf and /etc/kernel/cmdline
    LOADER=systemd-boot   changes loader/entries/*.conf of BOOT, and /etc/kernel/cmdline of ROOT for kernel-install
    BOOT=LABEL=boot       file system with the boot loader's files, in a form that mount(8) knows; or a directory
    ROOT=LABEL=root       root file system, or a directory; the same as BOOT if there is no boot partition

All files are read before the first one is written. It refuses what it cannot read, and a boot loader without a kernel
that would get the arguments. It is in Python because the initramfs has Python for the engine, and would have bash only
for this program.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import NamedTuple

CONFIG = "/etc/provision-kargs.conf"

WORD = re.compile(rb'(?:[^\s"]|"[^"]*(?:"|$))+')
"""An argument as the kernel reads it: white space separates arguments, except between double quotes."""

GRUB_WORD = re.compile(rb""";|[|&]+|(?:[^\s"'\\;|&]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""")
"""A word or a separator of GRUB's scripts (GRUB's manual, "Quoting")."""

GRUB_OWN = re.compile(rb"""[$;&|<>'\\`]|(?:^|\s)[#{}]|^[^"]*"(?:[^"]*"[^"]*")*[^"]*$""")
"""What GRUB or sh does not pass on as it is: characters that mean something to them, and an odd double quote."""

VALUE = rb"""("(?:[^"\\\n]|\\["\n])*"|'[^'\n]*'|[^\s"'\\;&|<>()`$#]*)(?=[ \t]*(?:$|[ \t]#))"""
"""A value in sh and in GRUB's scripts up to the end of the line or to a comment."""

ASSIGNMENT = re.compile(rb"(?m)^([ \t]*(?:export[ \t]+|set[ \t]+)?(\w+)=)" + VALUE)
"""Groups: the text before the value, the name, the value."""

REFERENCE = re.compile(rb"\$\{?(\w+)")
"""A variable in a value. Group: its name."""

BEGINNINGS = {b";", b"{", b"then", b"else", b"do", b"&&", b"||"}
ENDS = {b";", b"}", b"|", b"&", b"&&", b"||"}
"""The words before a command of GRUB's scripts, and those after it."""

BLSCFG = re.compile(rb"(?m)^[ \t]*blscfg\b")
"""The command that reads the entries of the Boot Loader Specification."""

KERNELOPTS = b"kernelopts"
"""The variable with the arguments of all entries (RHEL 8)."""

BLOCK = b"# GRUB Environment Block\n"
"""The beginning of a grubenv."""

COMMAND_LINE = b"GRUB_CMDLINE_LINUX"
"""The variable of grub-mkconfig with the arguments of all entries."""

COMMAND_LINE_SET = re.compile(rb"(?<![\w${])GRUB_CMDLINE_LINUX(?:_DEFAULT)?(?!\w)|\{GRUB_CMDLINE_LINUX(?:_DEFAULT)?:?=")
"""Where this variable, or the one with _DEFAULT, is set in a form that is not an ASSIGNMENT, or unset."""

ITSELF = re.compile(rb"(?!\').*\$\{?GRUB_CMDLINE_LINUX\b", re.DOTALL)
"""A value that contains the one that the variable had before."""

OWN_REFERENCE = re.compile(rb"\$\{?GRUB_CMDLINE_LINUX(?:_DEFAULT)?\b\}?")


class Refused(Exception):
    """The program ends without a change; the message says why."""


class Change(NamedTuple):
    """The arguments that a boot loader has to have and those that it must not have; each may be several words."""

    wanted: Sequence[bytes] = ()
    unwanted: Sequence[bytes] = ()

    def applied(self, texts: Sequence[bytes], word: re.Pattern[bytes] = WORD) -> list[bytes]:
        """The given texts of one command line without the unwanted arguments and, at the end, with the wanted ones.

        What follows a word `--` is for init (kernel-parameters.rst), and stays as it is.
        """
        done: list[bytes] = []
        end = b""
        for position, text in enumerate(texts):
            dashes = next((one.start() for one in word.finditer(text) if one[0] == b"--"), None)
            head = text if dashes is None else text[:dashes]
            for one in self.unwanted:
                head = _without(head, WORD.findall(one), word)
            done.append(head)
            if dashes is not None:
                end, texts = text[dashes:], texts[position + 1 :]
                break
        else:
            texts = ()
        for one in self.wanted:
            if not any(_find(head, WORD.findall(one), word) for head in done):
                done[-1] = done[-1].rstrip() + b" " * bool(done[-1].strip()) + one
        if end:
            done[-1] += b" " * bool(done[-1].strip() and not done[-1][-1:].isspace()) + end
        return [*done, *texts]


class File(NamedTuple):
    """A file as it is and as it shall be."""

    path: str
    before: bytes
    after: bytes


def main(arguments: list[str]) -> None:
    """Do what the arguments say. Raises Refused, OSError."""
    name = os.environ.get("PROVISION_KARGS_CONF", CONFIG)
    settings, change = _settings(name), _change(arguments)
    with ExitStack() as mounts:
        files = _files(settings, change, name, mounts)
        changed = [file for file in files if file.after != file.before]
        for file in changed:
            try:
                _write(file)
            except OSError as error:  # that of a full disk has no path
                raise Refused(f"{file.path}: {error.strerror}") from error
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
        if not value.isprintable() or "--" in value.split():
            raise Refused(f"{value!r} is not a kernel argument: it has a word -- or a character that cannot be printed")
        if value.strip():
            (wanted if option == "--should-exist" else unwanted).append(os.fsencode(value.strip()))
    change, line = Change(wanted, unwanted), b" ".join(wanted)
    if change.applied([line]) != [line]:  # every boot would remove it, add it and reboot
        raise Refused("an argument that should not exist is in one that should exist, or in several")
    return change


def _files(settings: dict[str, str], change: Change, name: str, mounts: ExitStack) -> list[File]:
    """The files of the boot loader, changed. Nothing is written. Raises Refused, OSError."""
    loader = settings["LOADER"]
    if loader not in {"bls", "grub", "systemd-boot"}:
        raise Refused(f"LOADER={loader} is unknown; see {name}")
    boot = root = _opened(settings["BOOT"], name, mounts)
    # without a boot partition its files are in a directory of the system
    if any(os.path.isdir(f"{boot}/boot/{folder}") for folder in ("loader", "grub", "grub2")):
        boot = f"{boot}/boot"
    if settings["ROOT"] not in {"", settings["BOOT"]} and loader != "bls":
        root = _opened(settings["ROOT"], name, mounts)
    grub = f"{boot}/grub2" if os.path.isfile(f"{boot}/grub2/grub.cfg") else f"{boot}/grub"
    if loader == "grub" or (loader == "bls" and os.path.isfile(f"{grub}/grub.cfg")):
        for one in change.wanted:
            if GRUB_OWN.search(one):
                raise Refused(
                    f"{os.fsdecode(one)}: GRUB would read a character of this argument as its own: leave it out"
                )
    if loader == "grub":
        return _of_grub(boot, root, grub, change, name)
    if loader == "bls":
        return _with_variables(boot, grub, change, name)
    return [*_entries(boot, change, name), _read(f"{root}/etc/kernel/cmdline", change, name, _words)]


def _opened(place: str, name: str, mounts: ExitStack) -> str:
    """The place if it is a directory, else a directory on which that file system is mounted until `mounts` ends."""
    if os.path.isdir(place):
        return place
    folder = tempfile.mkdtemp()
    mounts.callback(os.rmdir, folder)
    if subprocess.run(["mount", place, folder], check=False).returncode:
        raise Refused(f"{place}: cannot be mounted; see {name}")
    mounts.callback(subprocess.run, ["umount", folder], check=True)
    return folder


def _of_grub(boot: str, root: str, grub: str, change: Change, name: str) -> list[File]:
    """The files that GRUB reads at the next boot, and those that the next grub-mkconfig and kernel-install read."""
    defaults = f"{root}/etc/default/grub"
    files = [_read(defaults, change, name, _defaults)]
    parts = sorted(os.listdir(f"{defaults}.d")) if os.path.isdir(f"{defaults}.d") else []
    # Debian's grub-mkconfig reads these files after the other one
    files += [_read(f"{defaults}.d/{one}", change, name, _assigned) for one in parts if one.endswith(".cfg")]
    menu = _read(f"{grub}/grub.cfg", Change(), name, _menu)
    if BLSCFG.search(menu.before):
        if os.path.isfile(f"{root}/etc/kernel/cmdline"):
            files.append(_read(f"{root}/etc/kernel/cmdline", change, name, _words))
    elif not any(_kernels(menu.before)):
        raise Refused(
            f"{menu.path}: it has neither `linux` with a kernel nor `blscfg`; run grub-mkconfig, or correct {name}"
        )
    return files + _with_variables(boot, grub, change, name, kernels=True)


def _with_variables(boot: str, grub: str, change: Change, name: str, *, kernels: bool = False) -> list[File]:
    """The entries, the kernels of grub.cfg, and the variables of grub.cfg and grubenv that their arguments name.

    On RHEL 8 the arguments are in the variable kernelopts, which grubenv sets, or else grub.cfg.
    """
    paths = [f"{grub}/{one}" for one in ("grub.cfg", "grubenv")]
    sources = [_read(path, Change(), name, lambda text, _: text) for path in paths if os.path.isfile(path)]
    entries = _entries(boot, Change(), name) if not kernels or BLSCFG.search(sources[0].before) else []
    lines = [line for file in entries for line in file.before.split(b"\n") if line.split()[:1] == [b"options"]]
    if kernels:
        lines += [sources[0].before[start:end] for start, end in _kernels(sources[0].before)]
    variables = frozenset(one for line in lines for one in REFERENCE.findall(line)) if sources else frozenset()
    known = {one for file in sources for one in re.findall(rb"(?m)^[ \t]*(?:set[ \t]+)?(\w+)=", file.before)}
    if KERNELOPTS in variables - known and change.unwanted:
        raise Refused(f"{grub}: the entries use the variable kernelopts, but neither grubenv nor grub.cfg sets it")
    if KERNELOPTS in variables and any(b'"' in one for one in change.wanted):
        raise Refused(f"{grub}: GRUB passes no quotes on from the variable kernelopts: write the argument without them")
    of_entry = Change((), change.unwanted) if KERNELOPTS in variables & known else change

    def edited(text: bytes, change: Change) -> bytes:
        if text.startswith(BLOCK):
            return _environment(text, change, variables)
        return _menu(text, change, variables, kernels=kernels)

    done = [_read(file.path, change, name, edited) for file in sources]
    return done + [_read(file.path, of_entry, name, _entry) for file in entries]


def _read(path: str, change: Change, name: str, edit: Callable[[bytes, Change], bytes]) -> File:
    """A file as it is and as it shall be. Raises Refused with its path."""
    if not os.path.isfile(path):
        raise Refused(f"{path}: there is no such file; see {name}")
    # a link is followed, so that it stays; one that leaves the file system leads into the initramfs
    real = os.path.realpath(path)
    if os.path.islink(path) and os.lstat(real).st_dev != os.stat(os.path.dirname(path)).st_dev:
        raise Refused(f"{path}: it is a link to another file system: name that one in {name}")
    with open(real, "rb") as file:
        before = file.read()
    try:
        return File(real, before, edit(before, change))
    except Refused as error:
        raise Refused(f"{path}{error}") from None


def _entries(boot: str, change: Change, name: str) -> list[File]:
    """The entries of the Boot Loader Specification. Raises Refused if none starts a kernel."""
    folder = f"{boot}/loader/entries"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    paths = [f"{folder}/{one}" for one in names if one.endswith(".conf") and not one.startswith(".")]
    found = [_read(path, change, name, _entry) for path in paths if os.path.isfile(path)]
    if not any(re.search(rb"(?m)^[ \t]*(?:linux[ \t]|options\b)", file.before) for file in found):
        raise Refused(f"{folder}: there are no entries with a kernel; see {name}")
    return found


def _entry(text: bytes, change: Change) -> bytes:
    """A changed entry: all its lines `options` are one command line."""
    lines = text.split(b"\n")
    keys = [line.split(maxsplit=1)[:1] for line in lines]
    places = [number for number, key in enumerate(keys) if key == [b"options"]]
    if not places:
        # without a line `linux` it starts another program, or a unified kernel image with its own command line
        if [b"linux"] not in keys or not change.wanted:
            return text
        return text + b"\n" * bool(text and not text.endswith(b"\n")) + b"options " + change.applied([b""])[0] + b"\n"
    values = [lines[number].strip()[len(b"options") :].strip() for number in places]
    for number, old, new in zip(places, values, change.applied(values), strict=True):
        if new != old:
            lines[number] = (b"options " + new).rstrip()
    return b"\n".join(lines)


def _words(text: bytes, change: Change) -> bytes:
    """A changed file of arguments, such as /etc/kernel/cmdline: all its lines but comments are one command line."""
    lines = text.removesuffix(b"\n").split(b"\n")
    places = [number for number, line in enumerate(lines) if not line.lstrip().startswith(b"#")]
    if not places:
        places = [len(lines)]
        lines.append(b"")
    for number, new in zip(places, change.applied([lines[number] for number in places]), strict=True):
        lines[number] = new
    after = b"\n".join(lines)
    return text if after == text.removesuffix(b"\n") else after + b"\n"


def _menu(text: bytes, change: Change, variables: frozenset[bytes] = frozenset(), kernels: bool = True) -> bytes:
    """A grub.cfg with the arguments of each kernel, if `kernels` is set, and the values of the `variables` changed.

    Raises Refused.
    """
    for start, end in reversed(list(_kernels(text))) if kernels else ():
        before = text[start:end].strip()
        after = change.applied([before], GRUB_WORD)[0]
        if after != before:
            text = text[:start] + (b" " + after).rstrip() + text[end:]

    for number, line in enumerate(text.split(b"\n"), 1):
        found = re.match(rb"[ \t]*set[ \t]+(\w+)=", line)
        if (
            found
            and found[1] in variables
            and not ASSIGNMENT.match(line)
            and any(one in line for one in change.unwanted)
        ):
            raise Refused(f':{number}: this line cannot be read: write set {os.fsdecode(found[1])}="ARGUMENTS"')

    def assigned(found: re.Match[bytes]) -> bytes:
        return _set(found, _of_variable(found[2], change)) if found[2] in variables else found[0]

    return ASSIGNMENT.sub(assigned, text)


def _of_variable(name: bytes, change: Change) -> Change:
    """The change of a variable. Only kernelopts is in every entry, and so only it gets the wanted arguments."""
    return change if name == KERNELOPTS else Change((), change.unwanted)


def _kernels(text: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of the arguments of each kernel in a grub.cfg. Raises Refused."""
    offset = 0
    for number, line in enumerate(text.split(b"\n"), 1):
        if b"linux" in line:
            for start, end in _arguments(line, number):
                yield offset + start, offset + end
        offset += len(line) + 1


def _arguments(line: bytes, number: int) -> Iterator[tuple[int, int]]:
    """Start and end of the arguments of each kernel in a line of a grub.cfg. Raises Refused."""
    words = list(GRUB_WORD.finditer(line))
    for position, command in enumerate(words):
        if command[0].startswith(b"#"):
            return
        # linux16 is left out: it starts memtest and other programs
        if command[0] not in {b"linux", b"linuxefi"} or (position and words[position - 1][0] not in BEGINNINGS):
            continue
        stop = next((one.start() for one in words[position:] if one[0] in ENDS or one[0][:1] == b"#"), len(line))
        if GRUB_WORD.sub(b"", line[command.end() : stop]).strip():
            raise Refused(f":{number}: this line has an odd quote or goes on in the next line: write it as one line")
        rest = [one for one in words[position + 1 :] if one.start() < stop]
        if rest and not rest[0][0].rpartition(b"/")[2].startswith(b"memtest"):
            yield rest[0].end(), rest[-1].end()


def _environment(text: bytes, change: Change, variables: frozenset[bytes]) -> bytes:
    """A grubenv with the values of the `variables` changed. It keeps its size, so that GRUB can write into it.

    Raises Refused.
    """

    def assigned(found: re.Match[bytes]) -> bytes:
        name, value = found[1], found[2]
        return name + b"=" + _of_variable(name, change).applied([value])[0] if name in variables else found[0]

    after = re.sub(rb"(?m)^(\w+)=(.*)$", assigned, text[: text.rindex(b"\n") + 1])
    if len(after) > len(text):
        raise Refused(": the arguments do not fit into its 1024 bytes")
    return after.ljust(len(text), b"#")


def _defaults(text: bytes, change: Change) -> bytes:
    """A changed /etc/default/grub. If an argument is wanted, it sets GRUB_CMDLINE_LINUX. Raises Refused."""
    after = _assigned(text, change, is_set=False)
    found = [one for one in ASSIGNMENT.finditer(text) if one[2] == COMMAND_LINE]
    if not change.wanted or not all(_is_conditional(text[: one.start()]) for one in found):
        return after
    line = COMMAND_LINE + b'="' + change.applied([b""])[0].replace(b'"', b'\\"') + b'"\n'
    if found:
        return line + after  # before all conditions
    return after + b"\n" * bool(after and not after.endswith(b"\n")) + line


def _assigned(text: bytes, change: Change, is_set: bool = True) -> bytes:
    """A changed file for grub-mkconfig (sh): the wanted arguments are wherever it sets GRUB_CMDLINE_LINUX.

    `is_set`: a file that sh reads before this one sets it. Raises Refused.
    """
    names = {COMMAND_LINE, COMMAND_LINE + b"_DEFAULT"}
    others = ASSIGNMENT.sub(lambda one: b"\n" * one[0].count(b"\n") if one[2] in names else one[0], text)
    for number, line in enumerate(others.split(b"\n"), 1):
        if COMMAND_LINE_SET.search(re.sub(rb"(?:^|\s)#.*", b"", line)):
            raise Refused(f':{number}: this line cannot be read: write {os.fsdecode(COMMAND_LINE)}="ARGUMENTS"')

    def edited(one: re.Match[bytes]) -> bytes:
        if one[2] not in names:
            return one[0]
        expanded = not one[3].startswith(b"'") and (b"`" in one[3] or b"$" in re.sub(OWN_REFERENCE, b"", one[3]))
        if expanded and change.unwanted:
            number = text[: one.start()].count(b"\n") + 1
            raise Refused(f":{number}: arguments cannot be removed from a value with $ or `: write it without them")
        # a value that contains the one before has its arguments
        nonlocal is_set
        full = one[2] == COMMAND_LINE and not (is_set and ITSELF.match(one[3]))
        is_set = is_set or (one[2] == COMMAND_LINE and not _is_conditional(text[: one.start()]))
        return _set(one, change if full else Change((), change.unwanted))

    return ASSIGNMENT.sub(edited, text)


def _is_conditional(before: bytes) -> bool:
    """Whether the place in a script after the text `before` is within a condition or a loop."""
    begun = re.findall(rb"(?m)^[ \t]*(?:if|case|for|while|until)\b", before)
    return len(begun) > len(re.findall(rb"(?m)^[ \t]*(?:fi|esac|done)\b", before))


def _set(found: re.Match[bytes], change: Change) -> bytes:
    """A changed assignment, in its own quotes, or in double quotes if it has none."""
    quote = found[3][:1] if found[3][:1] in {b'"', b"'"} else b""
    value = found[3][1:-1] if quote else found[3]
    if quote == b'"':
        value = value.replace(b"\\\n", b"").replace(b'\\"', b'"')
    after = change.applied([value], GRUB_WORD)[0]
    if after == value:
        return found[0]
    return found[1] + (b"'" + after + b"'" if quote == b"'" else b'"' + after.replace(b'"', b'\\"') + b'"')


def _find(text: bytes, sought: list[bytes], word: re.Pattern[bytes]) -> tuple[int, int] | None:
    """Start and end of the words that are sought, one after the other, with the white space after them.

    None if they are not in the text. Quotes do not count.
    """
    found = list(word.finditer(text))
    plain = [_unquoted(one[0], word) for one in found]
    sought = [_unquoted(one, word) for one in sought]
    for first in range(len(found) - len(sought) + 1):
        last = first + len(sought)
        if plain[first:last] == sought:
            return found[first].start(), found[last].start() if last < len(found) else len(text)
    return None


def _unquoted(one: bytes, word: re.Pattern[bytes]) -> bytes:
    return re.sub(rb"""["'\\]""" if word is GRUB_WORD else rb'"', b"", one)


def _without(text: bytes, sought: list[bytes], word: re.Pattern[bytes]) -> bytes:
    while place := _find(text, sought, word):
        text = text[: place[0]] + text[place[1] :] if place[1] < len(text) else text[: place[0]].rstrip()
    return text


def _write(file: File) -> None:
    """Replace a file in one step by the new one, which has its mode, owner and label. Then it is on the disk."""
    new = f"{file.path}.new"
    old = os.stat(file.path)
    with suppress(FileNotFoundError):
        os.unlink(new)
    try:
        with open(new, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
            opened.write(file.after)
            opened.flush()
            if (old.st_uid, old.st_gid) != (0, 0):
                os.fchown(opened.fileno(), old.st_uid, old.st_gid)
            os.fchmod(opened.fileno(), old.st_mode & 0o7777)
            with suppress(OSError):  # FAT has no attributes, and a label that the kernel refuses is not worth a stop
                for key in os.listxattr(file.path):
                    os.setxattr(opened.fileno(), key, os.getxattr(file.path, key))
            os.fsync(opened.fileno())
        os.replace(new, file.path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    folder = os.open(os.path.dirname(file.path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Refused, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"ignition-kargs-helper: {error}")
