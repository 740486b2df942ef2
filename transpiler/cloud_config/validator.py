"""The report of `coreos-cloudinit -validate`: entries with a line, a kind and a message, in the words of that program.

Its lines are found by a search in the text, from the line of the section on: the first line with such a key, or with a
dash. Source: `config/validate/*.go` of coreos/coreos-cloudinit.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from posixpath import dirname, normpath
from typing import NamedTuple

from provision.config.model import Field, Record
from transpiler.cloud_config.files import CannotDecode, decoded
from transpiler.cloud_config.options import FRACTIONS
from transpiler.cloud_config.records import COMMANDS, ENCODINGS, STRATEGIES, config_record
from transpiler.cloud_config.units import ALLOWED
from transpiler.reading.scalars import ABSENT, converted, natural, tag_of, text_of
from transpiler.reading.tree import parse_yaml
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlError

HEADER = 'must be "#cloud-config" or begin with "#!"'


class ReportEntry(NamedTuple):
    """One entry; `kind` is error, warning or info."""

    line: int
    kind: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.kind}: {self.message}"


class _Lines:
    """The numbers (from 0) of the lines that begin with a key, by key, and of those that begin with a dash."""

    def __init__(self, text: str) -> None:
        self.keys: dict[str, list[int]] = {}
        self.elements: list[int] = []
        for number, line in enumerate(text.split("\n")):
            if match := _KEY.match(line):
                self.keys.setdefault(match[1], []).append(number)
            if _ELEMENT.match(line):
                self.elements.append(number)

    def find(self, key: str | None, start: int) -> tuple[int, int]:
        """The first line from `start` on with a key, or with a dash for None, and its number from 1; else 0."""
        found = self.elements if key is None else self.keys.get(key, [])
        index = bisect_left(found, start)
        return (found[index], found[index] + 1) if index < len(found) else (_END, 0)


_END = 1 << 40
_KEY = re.compile(r" *-? ?(.*?):")
_ELEMENT = re.compile(r" *-")


class _Node:
    """A value: its kind in Go's words, its line, and what is in it by name (`users[0]` for an element).

    What is in it is made when it is asked for, so that aliases make nothing large.
    """

    def __init__(self, name: str, line: int, value: YamlNode | None, lines: _Lines, start: int = 0) -> None:
        while value is not None and value.kind == "alias":
            value = value.items[0]
        self.name = name
        self.line = line
        self.value = value
        self.kind = _kind(value)
        self._lines = lines
        self._start = start

    @cached_property
    def inside(self) -> list[_Node]:
        """What is in a mapping or a list."""
        return list(self._inside())

    def _inside(self) -> Iterator[_Node]:
        if self.value is None:
            return
        if self.value.kind == "mapping":
            for key, value in self.value.items:
                start, line = self._lines.find(key.text, self._start)
                yield _Node(key.text.replace("-", "_"), line, value, self._lines, start)
        elif self.value.kind == "sequence":
            start = self._start
            for index, value in enumerate(self.value.items):
                start, line = self._lines.find(None, start)
                yield _Node(f"{self.name}[{index}]", line, value, self._lines, start)
                start += 1

    def child(self, name: str) -> _Node:
        """What has a name; an empty node if there is nothing."""
        return next((one for one in self.inside if one.name == name), _NOTHING)

    @property
    def text(self) -> str:
        """The text of a scalar."""
        found = text_of(self.value) if self.value is not None and self.value.kind == "scalar" else ""
        return "" if found is ABSENT else str(found)


def _kind(node: YamlNode | None) -> str:
    if node is None:
        return "invalid"
    if node.kind != "scalar":
        return "map" if node.kind == "mapping" else "slice"
    if node.plain and not node.tag and converted(natural(node), bool) is not None:
        return "bool"
    return {"!!int": "int", "!!float": "float64", "!!null": "invalid"}.get(tag_of(node), "string")


_NOTHING = _Node("", 0, None, _Lines(""))


class _Wanted(NamedTuple):
    """What a place of the format holds."""

    kind: str
    record: type[Record] | None = None
    many: bool = False
    name: str = ""

    @property
    def shown(self) -> str:
        """The kind in Go's words."""
        return f"[]{self.kind}" if self.many else self.kind

    @property
    def fields(self) -> Mapping[str, _Wanted]:
        """The fields of a record by name."""
        return {field.name: _wanted(field) for field in self.record.FIELDS} if self.record else {}

    def takes(self, kind: str) -> bool:
        """Whether a value of a kind can be converted."""
        if self.many:
            return kind == "slice"
        return kind in _COMPATIBLE[self.kind]


_COMPATIBLE = {
    "string": ("string", "int", "float64", "bool"),
    "struct": ("map",),
    "float64": ("float64", "int"),
    "bool": ("bool",),
    "int": ("int",),
}


def _wanted(field: Field) -> _Wanted:
    kind = "struct" if field.record else {bool: "bool", int: "int"}.get(field.scalar or str, "string")
    return _Wanted("float64" if field.name in FRACTIONS else kind, field.record, field.many, field.name)


def validated(raw: bytes) -> list[ReportEntry]:
    """All entries about a cloud-config. It does not raise for any bytes."""
    lines = _Lines(raw.decode("utf-8", "surrogateescape").replace("\r", ""))
    try:
        root = parse_yaml(raw)
        top = _Node("", 0, root, lines)
        return [*_discovery(top), *_encodings(top), *_both(top), *_read_only(top), *_misplaced(top)]
    except YamlError as error:
        line = error.problem.at.line - 1 if error.problem.at else 0  # goyaml counts from 0
        return [
            ReportEntry(line or 1, "error", error.problem.message),
            ReportEntry(0, "warning", _type_message(_NOTHING, _TOP)),
        ]


_TOP = _Wanted("struct", config_record())


def _both(top: _Node) -> Iterator[ReportEntry]:
    """First what is wrong with keys and types, then what is wrong with values."""
    if top.value is None:
        return
    yield from _structure(top, _TOP)
    yield from _values(top, _TOP)


def _type_message(node: _Node, wanted: _Wanted) -> str:
    return f'incorrect type for "{node.name}" (want {wanted.shown})'


def _structure(node: _Node, wanted: _Wanted, section: str = "") -> Iterator[ReportEntry]:
    if not wanted.takes(node.kind):
        yield ReportEntry(node.line, "warning", _type_message(node, wanted))
    elif wanted.many:
        for one in node.inside:
            yield from _structure(one, wanted._replace(many=False), wanted.name)
    elif wanted.record:
        fields = wanted.fields
        for one in node.inside:
            if one.name not in fields:
                yield ReportEntry(one.line, "warning", f'unrecognized key "{one.name}"')
                continue
            why = _DEPRECATED.get((section or wanted.name, one.name))
            if why:
                yield ReportEntry(one.line, "warning", f'deprecated key "{one.name}" ({why})')
            yield from _structure(one, fields[one.name])


def _values(node: _Node, wanted: _Wanted, section: str = "") -> Iterator[ReportEntry]:
    allowed = _VALID.get((section, wanted.name))
    if allowed and node.kind not in {"map", "slice", "invalid"} and node.text and not allowed.fullmatch(node.text):
        yield ReportEntry(node.line, "error", f"invalid value {node.text}")
    if wanted.many:
        for one in node.inside:
            yield from _values(one, wanted._replace(many=False))
    elif wanted.record:
        fields = wanted.fields
        for one in node.inside:
            if one.name in fields:
                yield from _values(one, fields[one.name], wanted.name)


def _discovery(top: _Node) -> Iterator[ReportEntry]:
    node = top.child("coreos").child("etcd").child("discovery")
    if node.value is not None and not re.match(r"/|[A-Za-z][A-Za-z0-9+.-]*:", node.text):
        yield ReportEntry(node.line, "warning", "discovery URL is not valid")


def _encodings(top: _Node) -> Iterator[ReportEntry]:
    for file in top.child("write_files").inside:
        encoding, content = file.child("encoding"), file.child("content")
        if encoding.value is None:
            continue
        try:
            decoded(content.text.encode("utf-8", "surrogateescape"), encoding.text)
        except CannotDecode:
            yield ReportEntry(content.line, "error", f'content cannot be decoded as "{encoding.text}"')


def _read_only(top: _Node) -> Iterator[ReportEntry]:
    for file in top.child("write_files").inside:
        path = file.child("path")
        if path.value is not None and normpath(dirname(path.text)).startswith("/usr"):
            yield ReportEntry(path.line, "error", "file cannot be written to a read-only filesystem")


def _misplaced(top: _Node) -> Iterator[ReportEntry]:
    node = top.child("coreos").child("write_files")
    if node.value is not None:
        yield ReportEntry(node.line, "info", "write_files doesn't belong under coreos")


_ENDPOINT = "trying to fetch from a remote endpoint introduces too many intermittent errors"
_OF_ETCD_2 = """
    advertise_client_urls discovery_fallback discovery_srv discovery_proxy election_timeout force_new_cluster
    heartbeat_interval initial_advertise_peer_urls initial_cluster initial_cluster_state initial_cluster_token
    listen_client_urls listen_peer_urls max_snapshots max_wals proxy
"""
_DEPRECATED = {
    **{("coreos", name): f"{name} is no longer shipped in Container Linux" for name in ("etcd", "etcd2", "fleet")},
    **{("etcd", name): "etcd2 options no longer work for etcd" for name in _OF_ETCD_2.split()},
    ("etcd2", "ca_file"): "ca_file obsoleted by trusted_ca_file and client_cert_auth",
    ("etcd2", "peer_ca_file"): "peer_ca_file obsoleted peer_trusted_ca_file and peer_client_cert_auth",
    ("users", "coreos_ssh_import_github"): _ENDPOINT,
    ("users", "coreos_ssh_import_github_users"): _ENDPOINT,
    ("users", "coreos_ssh_import_url"): _ENDPOINT,
}
"""Section and key -> why the key is deprecated."""

_VALID = {
    ("etcd2", "proxy"): ALLOWED["proxy"][0],
    ("write_files", "encoding"): re.compile("|".join(map(re.escape, ENCODINGS))),
    ("write_files", "permissions"): re.compile("0?[0-7]{3,4}"),
    ("locksmith", "window_start"): ALLOWED["window_start"][0],
    ("locksmith", "window_length"): ALLOWED["window_length"][0],
    ("units", "command"): re.compile("|".join(COMMANDS)),
    ("update", "reboot_strategy"): re.compile("|".join(STRATEGIES)),
}
"""Section and key -> the values that it may have; an empty one is not checked."""
