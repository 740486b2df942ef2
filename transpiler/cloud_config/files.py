"""Files: `write_files`, and the files that other sections make.

Source: `initialize/config.go`, `config/decode.go` and `system/{file,update,oem,etc_hosts}.go` of
coreos/coreos-cloudinit; chown(1).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from posixpath import normpath

from provision.config.problems import Path, shortened
from provision.config.resources.content import MAX_INLINE, STEP, ContentInvalid, Gunzip
from provision.config.rules.systemd import quoted
from transpiler.cloud_config.parts import PLAIN, Access, Parts
from transpiler.cloud_config.records import ENCODINGS, STRATEGIES, CloudConfig, WrittenFile

UPDATE_CONF = "/etc/coreos/update.conf"
_HOSTNAME = re.compile(
    r"(?=.{1,64}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)


def add_files(config: CloudConfig, parts: Parts) -> None:
    """Add all files, in the order in which coreos-cloudinit writes them."""
    _add_hostname(config, parts)
    for index, file in enumerate(config.write_files):
        _add_file(file, ("write_files", index), parts)
    _add_oem(config, parts)
    _add_update(config, parts)
    _add_hosts(config, parts)


def _add_hostname(config: CloudConfig, parts: Parts) -> None:
    name = config.hostname
    if name and not _HOSTNAME.fullmatch(name):
        hint = "up to 64 letters, digits, hyphens and dots"
        parts.problem(("hostname",), f"{quoted(shortened(name))} is not a host name", hint)
    elif name:
        parts.add_file("/etc/hostname", f"{name}\n".encode(), ("hostname",))


def _add_file(file: WrittenFile, place: Path, parts: Parts) -> None:
    if not file.path.strip("/"):
        parts.problem(place, "a file has no path", "add a line like `path: /etc/motd`")
        return
    if not file.path.startswith("/"):
        parts.problem((*place, "path"), "the path is taken as one below /", f"write /{file.path}", fatal=False)
    if normpath(file.path).lstrip("/").startswith("usr/"):
        message = "/usr is read-only on Container Linux, so coreos-cloudinit cannot write this file"
        parts.problem((*place, "path"), message, "choose a path below /etc, /opt or /var")
    contents, mode, owner = _contents(file, place, parts), _mode(file, place, parts), _owner(file, place, parts)
    if contents is not None and mode is not None and owner is not None:
        parts.add_file(file.path, contents, place, Access(mode, *owner))


class CannotDecode(ValueError):
    """Contents that are not encoded as the config says."""


def decoded(raw: bytes, encoding: str, limit: int = MAX_INLINE) -> bytes:
    """Contents without their encoding; an empty one is none. Raises CannotDecode, also for more than `limit` bytes."""
    if not encoding:
        return raw
    if encoding not in ENCODINGS:
        raise CannotDecode("the encoding is not known")
    try:
        if "64" in encoding:
            raw = b64decode(raw.replace(b"\n", b"").replace(b"\r", b""), validate=True)
        return _decompressed(raw, limit) if encoding.startswith("g") else raw
    except (binascii.Error, ContentInvalid) as error:
        raise CannotDecode(str(error)) from None


def _contents(file: WrittenFile, place: Path, parts: Parts) -> bytes | None:
    if file.encoding and file.encoding not in ENCODINGS:
        message = f"unknown encoding {quoted(shortened(file.encoding))}"
        parts.problem((*place, "encoding"), message, f"one of {', '.join(ENCODINGS)}")
        return None
    try:
        raw = decoded(file.content.encode("utf-8", "surrogateescape"), file.encoding, parts.room)
    except CannotDecode as error:
        hint = "binary content needs base64 too: gz+b64" if file.encoding in {"gz", "gzip"} else "encode the file again"
        parts.problem((*place, "content"), f"cannot be decoded as {file.encoding}: {error}", hint)
        return None
    if file.encoding:
        parts.room -= len(raw)
    return raw


def _decompressed(raw: bytes, limit: int) -> bytes:
    stream, made, size = Gunzip(), [], 0
    for start in range(0, len(raw), STEP):
        for part in stream.feed(raw[start : start + STEP]):
            made.append(part)
            size += len(part)
            if size > limit:
                raise ContentInvalid(f"the contents of all files have more than {MAX_INLINE >> 20} MiB")
    if not stream.is_whole:
        raise ContentInvalid("the gzip stream is cut off")
    return b"".join(made)


def _mode(file: WrittenFile, place: Path, parts: Parts) -> int | None:
    """The permission bits. coreos-cloudinit does not set the bits above 0777."""
    if not file.permissions:
        return PLAIN.mode
    if not re.fullmatch("[0-7]{1,5}", file.permissions) or int(file.permissions, 8) > 0o7777:
        hint = "write them in octal, such as '0644'"
        parts.problem((*place, "permissions"), "these are not permission bits", hint)
        return None
    mode = int(file.permissions, 8)
    if mode > 0o777:
        message = f"only the last three digits count: coreos-cloudinit makes the file {mode & 0o777:04o}"
        parts.problem((*place, "permissions"), message, fatal=False)
    return mode & 0o777


def _owner(file: WrittenFile, place: Path, parts: Parts) -> tuple[str, str] | None:
    """User and group. A user followed by a colon stands for the user's own group, which only the machine knows."""
    user, colon, group = file.owner.partition(":" if ":" in file.owner else ".")
    if colon and not group:
        parts.problem((*place, "owner"), "the group is missing", f"write {user}:GROUP")
        return None
    if not all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*\$?|", name) for name in (user, group)):
        parts.problem((*place, "owner"), "this is not an owner", "write user:group, such as core:core")
        return None
    return user, group


def _add_oem(config: CloudConfig, parts: Parts) -> None:
    oem = config.coreos.oem
    if oem.id:
        lines = [f"ID={oem.id}", f"VERSION_ID={oem.version_id}", f"NAME={quoted(oem.name)}"]
        lines += [f"HOME_URL={quoted(oem.home_url)}", f"BUG_REPORT_URL={quoted(oem.bug_report_url)}"]
        parts.add_file("/etc/oem-release", "".join(f"{line}\n" for line in lines).encode(), ("coreos", "oem"))
    elif not oem.is_empty:
        parts.problem(("coreos", "oem"), "without an id, nothing is written", "add an id", fatal=False)


def _add_update(config: CloudConfig, parts: Parts) -> None:
    """/etc/coreos/update.conf. The programs look for other keys in /usr/share/coreos/update.conf by themselves."""
    update = config.coreos.update
    if update.reboot_strategy and update.reboot_strategy not in STRATEGIES:
        place = ("coreos", "update", "reboot_strategy")
        message = f"unknown strategy {quoted(shortened(update.reboot_strategy))}"
        parts.problem(place, message, f"one of {', '.join(STRATEGIES)}")
        return
    given = {"GROUP": update.group, "REBOOT_STRATEGY": update.reboot_strategy, "SERVER": update.server}
    text = "".join(f"{name}={value}\n" for name, value in given.items() if value)
    if text:
        parts.add_file(UPDATE_CONF, text.encode(), ("coreos", "update"))


def _add_hosts(config: CloudConfig, parts: Parts) -> None:
    place = ("manage_etc_hosts",)
    if not config.manage_etc_hosts:
        return
    if config.manage_etc_hosts != "localhost":
        parts.problem(place, "unknown value", "write localhost, or write /etc/hosts under write_files")
    elif not config.hostname:
        message = "/etc/hosts needs the host name, which only the machine knows"
        parts.problem(place, message, "add a hostname, or write /etc/hosts under write_files")
    else:
        parts.add_file("/etc/hosts", f"127.0.0.1 {config.hostname}\n".encode(), place)
