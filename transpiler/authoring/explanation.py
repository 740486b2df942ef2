"""What a machine will have by a config, and which part of the author's text each entry comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from provision.config.format import Config, Owner, Partition, Resource
from provision.config.model import Record, key_of
from provision.config.problems import Path, Position, dotted
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.resources.urls import redacted
from transpiler.butane.records import OpenShift
from transpiler.lint.source import node_at
from transpiler.reading.tree import place_of
from transpiler.reports.secret_text import secrets_hidden
from transpiler.result import Result


class MachinePart(NamedTuple):
    """One entry of the result: its kind, its name, and what it is in a few words, without secrets.

    `source` is the author's path and `at` its place; both are empty if they are not known. `sugar` says that the author
    did not write the entry itself: it was made of what is at `source`. `made` are the fields of an entry that sugar
    made, each with the author's path that it was made of. `defaults` are the fields that are not set, each with the
    value that the machine takes for it.
    """

    kind: str
    name: str
    details: str
    source: Path
    at: Position | None
    sugar: bool
    made: tuple[tuple[str, Path], ...]
    defaults: tuple[tuple[str, str], ...] = ()

    @property
    def file(self) -> str:
        """The file of the place if it is not the config itself; else empty."""
        return self.at.file if self.at else ""


def entries(result: Result) -> list[MachinePart]:
    """The entries of a valid config, in the order of its sections."""
    config = result.config
    return list(_Origins(result).entries(config)) if config is not None else []


def matching(found: Iterable[MachinePart], wanted: str) -> list[MachinePart]:
    """The entries with this name, below this path of the machine, or below this path of the config."""
    folder = wanted.rstrip("/") + "/"
    return [
        one
        for one in found
        if wanted == one.name
        or (wanted.startswith("/") and one.name.startswith(folder))
        or f"{dotted(one.source)}.".startswith((f"{wanted}.", f"{wanted}["))
        or wanted in {one.kind, f"{one.kind}s"}
    ]


class _Origins:
    """Finds where the author wrote the parts of a result."""

    def __init__(self, result: Result) -> None:
        self.draft = result.draft
        self.cluster_config = result.cluster_config
        self.root = result.text.root

    def entries(self, config: Config) -> Iterator[MachinePart]:
        """The entries of all sections."""
        for kind, path, describe in _KINDS:
            for record_path, record in _elements(config, path, ()):
                made = self.entry(kind, record_path, record, describe)
                disk = config.storage.disks[int(record_path[2])].device if kind == "partition" else ""
                yield made._replace(details=f"on {disk}, {made.details}") if disk else made
        for name in ("should_exist", "should_not_exist"):
            kind = "argument" if name == "should_exist" else "removed argument"
            for index, text in enumerate(getattr(config.kernel_arguments, name)):
                yield self.word(kind, text, ("kernel_arguments", name, index))
        if self.cluster_config is not None:
            yield from self.cluster_entries(self.cluster_config)

    def cluster_entries(self, source: OpenShift) -> Iterator[MachinePart]:
        """The entries of a MachineConfig besides those of its Ignition config."""
        for index, text in enumerate(source.openshift.kernel_arguments):
            yield self.word("argument", text, ("openshift", "kernel_arguments", index))
        for index, text in enumerate(source.openshift.extensions):
            yield self.word("extension", text, ("openshift", "extensions", index))
        if source.openshift.kernel_type is not None:
            yield self.word("kernel type", source.openshift.kernel_type, ("openshift", "kernel_type"))
        if source.openshift.fips is not None:
            yield self.word("FIPS mode", "on" if source.openshift.fips else "off", ("openshift", "fips"))
        labels = ", ".join(f"{name}: {text}" for name, text in source.metadata.labels.texts.items())
        yield self.word("MachineConfig", source.metadata.name, ("metadata",), labels)

    def word(self, kind: str, text: str, path: Path, details: str = "") -> MachinePart:
        """The entry for one word or one line."""
        return MachinePart(kind, secrets_hidden([text])[0], details, *self.origin(path), ())

    def entry(self, kind: str, path: Path, record: Record, describe: Callable[[Any], Iterable[str]]) -> MachinePart:
        """The entry for one record."""
        source, at, sugar = self.origin(path)
        made = () if sugar else tuple(self.made(path, (), record))
        details = ", ".join(one for one in describe(record) if one)
        return MachinePart(kind, _name(record), details, source, at, sugar, made, tuple(_defaults(record)))

    def origin(self, path: Path) -> tuple[Path, Position | None, bool]:
        """The author's path of a part, its place, and whether the author did not write the part itself."""
        if self.draft is None or self.root is None:
            return (), None, False
        source = self.draft.source_of(path)
        return source, place_of(self.root, source), source != path and not self.is_written(source, path)

    def is_written(self, source: Path, path: Path) -> bool:
        """Whether the author wrote the entry at `source`, which has another index than in the result."""
        same = len(source) == len(path) and all(
            one == other or (isinstance(one, int) and isinstance(other, int))
            for one, other in zip(source, path, strict=True)
        )
        return same and node_at(self.root, source) is not None

    def made(self, path: Path, below: Path, record: Record) -> Iterator[tuple[str, Path]]:
        """The fields that sugar made in a record that the author wrote."""
        for field, value in record.items():
            place, shown = (*path, field.name), (*below, field.name)
            if isinstance(value, Record):
                yield from self.made(place, shown, value)
            elif value and not field.many and self.draft is not None:
                source = self.draft.source_of(place)
                if source[-1:] != (field.name,):
                    yield dotted(shown), source


def _elements(record: Record, names: tuple[str, ...], path: Path) -> Iterator[tuple[Path, Record]]:
    """The records at a path of names, through lists, each with its path."""
    name, *rest = names
    value = getattr(record, name)
    found = [((*path, name, index), one) for index, one in enumerate(value)] if type(value) is tuple else []
    if isinstance(value, Record) and not value.is_empty:
        found = [((*path, name), value)]
    for place, one in found:
        if rest:
            yield from _elements(one, tuple(rest), place)
        else:
            yield place, one


def _name(record: Any) -> str:
    if isinstance(record, Resource):
        return redacted((record.source or "").partition(",")[0])
    if isinstance(record, Partition):
        return record.label or f"number {record.number}"
    return key_of(record)


def _defaults(record: Record) -> Iterator[tuple[str, str]]:
    """The fields that are not set and have a default, which their descriptions name."""
    for field in record.FIELDS:
        value, default = getattr(record, field.name), _DEFAULT.search(field.doc)
        if default and field.is_published and (value is None or (isinstance(value, Record) and value.is_empty)):
            yield field.name, default[1]


_DEFAULT = re.compile(r"\(default ([^)]+)\)")


def _node(node: Any) -> Iterator[str]:
    mode = getattr(node, "mode", None)
    default = dict(_defaults(node)).get("mode")
    yield f"0{mode:o}" if mode is not None else f"{default} by default" if default else ""
    owners = [_owner(node.user), _owner(node.group)]
    if any(owners):
        yield ":".join(one or "root" for one in owners)
    if node.overwrite:
        yield "overwrites"


def _owner(owner: Owner) -> str:
    return str(owner.id) if owner.id is not None else owner.name or ""


def _file(file: Any) -> Iterator[str]:
    yield from _node(file)
    if file.contents.source is not None or not file.append:
        yield _contents(file.contents)
    if file.append:
        yield f"appends {' and '.join(map(_contents, file.append))}"


def _contents(resource: Any) -> str:
    try:
        contents = inline_content(resource)
    except ContentInvalid:
        return "contents that cannot be decoded"
    if contents is not None:
        return f"{len(contents)} byte{'s' * (len(contents) != 1)}"
    return f"from {redacted(resource.source or '')}{'' if resource.verification.hash else ', not verified'}"


def _link(link: Any) -> Iterator[str]:
    yield f"{'hard link' if link.hard else 'link'} to {link.target or ''}"
    yield from _node(link)


def _partition(partition: Any) -> Iterator[str]:
    if partition.should_exist is False:
        yield "removed"
    yield f"number {partition.number}" if partition.number and partition.label else ""
    yield f"{partition.size_mib} MiB" if partition.size_mib else "the largest free block"


def _filesystem(one: Any) -> Iterator[str]:
    yield one.format or ""
    yield f"at {one.path}" if one.path else ""
    yield f"label {one.label}" if one.label else ""
    yield "made anew" if one.wipe_filesystem else ""


def _luks(one: Any) -> Iterator[str]:
    yield f"on {one.device}" if one.device else ""
    pins = [*(["tpm2"] if one.clevis.tpm2 else []), *("tang" for _ in one.clevis.tang)]
    yield f"unlocked by {' and '.join(pins)}" if pins else ""


def _raid(one: Any) -> Iterator[str]:
    yield one.level or ""
    yield f"of {', '.join(one.devices)}" if one.devices else ""


def _disk(disk: Any) -> Iterator[str]:
    yield "table erased first" if disk.wipe_table else ""
    yield f"{len(disk.partitions)} partition{'s' * (len(disk.partitions) != 1)}"


def _user(user: Any) -> Iterator[str]:
    yield "removed" if user.should_exist is False else ""
    yield f"uid {user.uid}" if user.uid is not None else ""
    yield f"in {', '.join(user.groups)}" if user.groups else ""
    yield "with a password" if user.password_hash else ""
    count = len(user.ssh_authorized_keys)
    yield f"{count} SSH key{'s' * (count != 1)}" if count else ""


def _group(group: Any) -> Iterator[str]:
    yield "removed" if group.should_exist is False else ""
    yield f"gid {group.gid}" if group.gid is not None else ""


def _unit(unit: Any) -> Iterator[str]:
    yield "" if unit.enabled is None else "enabled" if unit.enabled else "disabled"
    yield "masked" if unit.mask else ""
    yield f"{unit.contents.count(chr(10))} lines" if unit.contents else ""
    yield f"{len(unit.dropins)} drop-in{'s' * (len(unit.dropins) != 1)}" if unit.dropins else ""


def _resource(resource: Any) -> Iterator[str]:
    yield (
        ""
        if (resource.source or "").startswith("data:")
        else "verified"
        if resource.verification.hash
        else "not verified"
    )


_KINDS: tuple[tuple[str, tuple[str, ...], Callable[[Any], Iterable[str]]], ...] = (
    ("merged config", ("ignition", "config", "merge"), _resource),
    ("replacing config", ("ignition", "config", "replace"), _resource),
    ("certificate authority", ("ignition", "security", "tls", "certificate_authorities"), _resource),
    ("disk", ("storage", "disks"), _disk),
    ("partition", ("storage", "disks", "partitions"), _partition),
    ("array", ("storage", "raid"), _raid),
    ("encrypted volume", ("storage", "luks"), _luks),
    ("file system", ("storage", "filesystems"), _filesystem),
    ("group", ("passwd", "groups"), _group),
    ("user", ("passwd", "users"), _user),
    ("directory", ("storage", "directories"), _node),
    ("file", ("storage", "files"), _file),
    ("link", ("storage", "links"), _link),
    ("unit", ("systemd", "units"), _unit),
)
"""The kind of an entry, the names on the way to it, and what says what it is."""
