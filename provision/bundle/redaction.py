"""What a bundle has in the place of secrets: filler of the same size, so that a plan comes out the same.

The plan of a capture is made of these values too, and not only shown with them. So its questions are those of a replay.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, cast

from provision.bundle.kernel_arguments import argument
from provision.config.format import Config, Resource, Verification
from provision.config.model import Record
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.resources.urls import redacted, scheme
from provision.planning.boot_state import BootState

FILLER = "x"
_READABLE = re.compile(r"/etc/(?:login\.defs|default/useradd|selinux/config|systemd/system-preset/.*)")
"""Settings that plans read, which hold no secret."""

_PERSONAL = ("advertisement", "gecos")
"""Fields of a config that no plan depends on."""

_ARGUMENTS = ("should_exist", "should_not_exist")
"""Fields of a config that are lists of kernel arguments."""

_ACCOUNTS = re.compile(r"(?:/usr/(?:lib|share)(?:/\w+)*|/etc)/(?:passwd|group|shadow|gshadow)-?")
_MACHINE_ID = "/etc/machine-id"
_UNIT = re.compile(r".*/systemd/system/[^/]+")
_SYSFS = "/sys/"
_KEPT_SECTION = "[Install]"
SHORT = 6
"""Texts below this length are not searched for in messages: they are words like `yes`."""


def without_secrets(config: Config) -> Config:
    """The config with filler for everything that may be secret: contents, keys, hashes, headers, texts of units."""
    return cast("Config", _clean(config))


def secrets_of(config: Config) -> set[str]:
    """The texts of a config that no message may have: values of secret fields, and the lines of contents."""
    return {text for text in _secrets(config) if len(text) >= SHORT}


def redacted_answer(question: str, subject: object, answer: Any) -> Any:
    """An answer of a `MachineView` to a question about a path or device, with filler for what may be secret."""
    if question == "boot_state" and isinstance(answer, BootState):
        settings = {path: _filler(text) for path, text in answer.network_settings.items()}
        return answer._replace(platform_files={}, network_settings=settings)
    if question not in {"content", "host_file"} or not isinstance(answer, bytes):
        return answer
    path = str(subject)
    if _READABLE.fullmatch(path) or (question == "host_file" and path.startswith(_SYSFS)):
        return answer
    return _clean_content(path, answer.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def _clean_content(path: str, text: str) -> str:
    """The text of a file of the machine, with filler for what may be secret."""
    if path == _MACHINE_ID:
        return text if text.strip() in {"", "uninitialized"} else re.sub(r"[0-9a-f]", "0", text)
    if _ACCOUNTS.fullmatch(path):
        return "\n".join(map(_account_line, text.split("\n")))
    return unit_text(text) if _UNIT.fullmatch(path) else _filler(text)


def unit_text(text: str) -> str:
    """The text of a unit, of which a plan reads the sections and [Install]; filler for the rest."""
    section, lines = "", []
    for line in text.split("\n"):
        if line.startswith("["):
            section = line.strip()
            lines.append(line if section.endswith("]") and section[1:-1].isalpha() else _filler(line))
        elif section == _KEPT_SECTION and not line.lstrip().startswith(("#", ";")):
            lines.append(line)
        else:
            lines.append(_filler(line))
    return "\n".join(lines)


def _clean(record: Record) -> Record:
    """A copy of a record with filler for its secrets."""
    if isinstance(record, Resource):
        return _clean_resource(record)
    changes: dict[str, object] = {}
    for field, value in record.items():
        if field.many and field.record is not None:
            changes[field.name] = tuple(map(_clean, value))
        elif field.record is not None:
            changes[field.name] = _clean(value)
        elif field.name == "contents" and isinstance(value, str):
            changes[field.name] = unit_text(value)
        elif field.secret and value:
            changes[field.name] = type(value)(_filler(_revealed(value)))
        elif field.name in _PERSONAL:
            changes[field.name] = _filler(value)
        elif field.name == "ssh_authorized_keys":
            changes[field.name] = tuple(map(_filler, value))
        elif field.name in _ARGUMENTS and isinstance(value, tuple):
            changes[field.name] = tuple(argument(one, _filler) for one in value)
        elif field.name == "url":
            changes[field.name] = redacted(value)
    return record.changed(**changes)


def _clean_resource(resource: Resource) -> Resource:
    """A resource whose own content is filler of the size that its bytes have, and whose URL has no user or query."""
    headers = tuple(_clean(header) for header in resource.http_headers)
    source = resource.source
    if not source:
        return resource.changed(http_headers=headers)
    if scheme(source) != "data":
        return resource.changed(http_headers=headers, source=redacted(source))
    size = len(_inline(resource))
    filler = f"data:;base64,{b64encode(FILLER.encode() * size).decode()}"
    return resource.changed(http_headers=headers, source=filler, compression=None, verification=Verification())


def _secrets(record: Record) -> Iterator[str]:
    for field, value in record.items():
        if field.record is not None:
            for one in value if field.many else (value,):
                yield from _secrets(one)
        elif field.secret and value:
            text = _revealed(value)
            yield text
            yield from text.splitlines()
        elif field.name in _ARGUMENTS and isinstance(value, tuple):
            yield from (word for one in value for word in (one, *one.split()) if argument(word, _filler) != word)
    if isinstance(record, Resource) and record.source and scheme(record.source) == "data":
        yield from _inline(record).decode(errors="replace").splitlines()


def _inline(resource: Resource) -> bytes:
    """The bytes of a data URL; none if they cannot be decoded, as a rule has reported then."""
    try:
        return inline_content(resource) or b""
    except ContentInvalid:
        return b""


def _revealed(value: Any) -> str:
    return str(value.reveal() if hasattr(value, "reveal") else value)


def _filler(text: str) -> str:
    """The text with filler for all characters but line ends, of the same size in UTF-8."""
    return re.sub(r"[^\r\n]", lambda one: FILLER * len(one[0].encode(errors="surrogateescape")), text)


def _account_line(line: str) -> str:
    """A line of passwd, group, shadow or gshadow without its password and comment (passwd(5))."""
    fields = line.split(":")
    if len(fields) < 2:
        return line
    fields[1] = fields[1] if fields[1] in {"", "x", "*", "!", "!!", "!*"} else _filler(fields[1])
    if len(fields) == 7:
        fields[4] = _filler(fields[4])
    return ":".join(fields)
