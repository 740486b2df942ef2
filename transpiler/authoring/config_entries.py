"""The entries of a config by name, as lines of text: what `transpile diff` compares and shows.

The order of entries, sugar, the encoding of contents and the version of the format do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from provision.config.format import Config, ConfigResource, File, Resource
from provision.config.merge import merge
from provision.config.model import Field, Record, key_of
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.resources.urls import redacted
from provision.config.validate import validate
from transpiler.butane.records import OpenShift
from transpiler.reading.compressed import uncompressed
from transpiler.reports.secret_text import is_secret_file

MAX_SHOWN = 64 * 1024
"""The largest contents in bytes whose lines are compared."""

MAX_DEPTH = 8
"""How many configs that hold one another are opened."""

ORIGIN = ", URL or headers"
"""How the name of a hidden field ends that holds where contents come from."""


class ConfigEntry(NamedTuple):
    """An entry of a config, such as a file or a unit: its fields as lines of text by the name of the field.

    Fields in `hidden` may hold secrets; their lines are for comparison only.
    """

    fields: dict[str, list[str]]
    hidden: frozenset[str]


def config_entries(config: Config, cluster_config: OpenShift | None = None) -> dict[str, ConfigEntry]:
    """The entries of a config by their names, such as `storage.files[/etc/motd]`.

    Configs that it holds itself, to be merged or to replace it, take part as on a machine. Of a config that becomes a
    MachineConfig, `cluster_config` has the fields that are not in `config`.
    """
    found = {"MachineConfig": _cluster_entry(cluster_config)} if cluster_config else {}
    return found | dict(_entries(with_held_configs(config), ""))


def _cluster_entry(source: OpenShift) -> ConfigEntry:
    """The name and the labels of a MachineConfig, and its fields besides the Ignition config."""
    labels = [f"{name}: {text}" for name, text in sorted(source.metadata.labels.texts.items())]
    fields = {"metadata.name": [source.metadata.name], "metadata.labels": labels}
    fields |= {f"openshift.{name}": lines for name, lines in _entry(source.openshift).fields.items()}
    return ConfigEntry(fields, frozenset())


def with_held_configs(config: Config, depth: int = 0) -> Config:
    """What a machine makes of a config and of the configs in its `data:` URLs. Source: Ignition, "Config merging"."""
    settings = config.ignition.config
    replacement = _held_config(settings.replace, depth)
    if replacement is not None:
        return replacement
    held = [(reference, _held_config(reference, depth)) for reference in settings.merge]
    fetched = tuple(reference for reference, one in held if one is None)
    whole = config.changed(ignition=config.ignition.changed(config=settings.changed(merge=fetched)))
    for _, one in held:
        whole = whole if one is None else merge(whole, one)
    return whole


def _held_config(reference: ConfigResource, depth: int) -> Config | None:
    """The config in a `data:` URL; None if it is elsewhere, or is no valid config of version 3."""
    try:
        contents = inline_content(reference) if reference.source and depth < MAX_DEPTH else None
    except ContentInvalid:
        contents = None
    found = validate(uncompressed(contents)).config if contents else None
    return None if found is None or found.older else with_held_configs(found, depth + 1)


def _entries(record: Record, name: str) -> Iterator[tuple[str, ConfigEntry]]:
    """The entries of all lists whose elements have a key; other fields form an entry with the name of their section."""
    own: dict[str, list[str]] = {}
    hidden: set[str] = set()
    for field in record.FIELDS:
        value = getattr(record, field.name)
        here = f"{name}.{field.name}".removeprefix(".")
        if field.many and field.record is not None and field.record.KEY is not None and name:
            yield from ((f"{here}[{name}]", _entry(one)) for name, one in zip(_keys(value), value, strict=True))
        elif isinstance(value, Record) and name.count(".") < 1 and not isinstance(value, Resource):
            yield from _entries(value, here)
        elif here != "ignition.version":
            own.update(_fields(field, value, hidden, field.name))
    if own:
        yield name or "config", ConfigEntry(own, frozenset(hidden))


def _keys(elements: tuple[Record, ...]) -> list[str]:
    """The keys of elements, with nothing secret of a URL; of keys that look the same, the second ends in `#2`."""
    numbers: Counter[str] = Counter()
    shown = []
    for one in elements:
        key = redacted(key_of(one)) if isinstance(one, Resource) else key_of(one)
        numbers[key] += 1
        shown.append(key if numbers[key] == 1 else f"{key} #{numbers[key]}")
    return shown


def _entry(record: Record) -> ConfigEntry:
    hidden: set[str] = set()
    if isinstance(record, File) and not (0o644 if record.mode is None else record.mode) & 0o004:
        hidden.update(("contents", "append"))  # not every user of the machine may read them
    fields: dict[str, list[str]] = {}
    for field in record.FIELDS:
        fields.update(_fields(field, getattr(record, field.name), hidden, field.name))
    if isinstance(record, File) and is_secret_file(record.path, fields.get("contents", [""])[0]):
        hidden.update(("contents", "append"))
    return ConfigEntry(fields, frozenset(hidden))


def _fields(field: Field, value: Any, hidden: set[str], name: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of a field by its name, or of the fields below it. Fields that are not set are left out."""
    if value is None or value == () or (isinstance(value, Record) and value.is_empty):
        return
    if (field.secret or field.secret_type) and name != "contents":  # contents of units can be read by every user
        hidden.add(name)
    if field.many:
        if any(isinstance(one, Record) and _entry(one).hidden for one in value):
            hidden.add(name)
        yield name, [line for one in value for line in _element_lines(one)]
        yield from _origin([one for one in value if isinstance(one, Resource)], hidden, name)
    elif isinstance(value, Resource):
        held = isinstance(value, ConfigResource) and (value.source or "").startswith("data:")
        if name == "key_file" or held:
            hidden.add(name)
        yield name, _resource_lines(value)
        yield from _origin([value], hidden, name)
    elif isinstance(value, Record):
        for inner in type(value).FIELDS:
            yield from _fields(inner, getattr(value, inner.name), hidden, f"{name}.{inner.name}")
    elif value != field.default or field.optional:
        yield name, _scalar_lines(field, value)


def _origin(resources: list[Resource], hidden: set[str], name: str) -> Iterator[tuple[str, list[str]]]:
    """A hidden field with the whole URLs and headers, which may have secrets, of resources that are fetched."""
    fetched = [one for one in resources if (one.source or "").partition(":")[0] not in {"", "data"}]
    if fetched:
        origin = f"{name}{ORIGIN}"
        hidden.add(origin)
        headers = (
            f"{header.name}: {header.value.reveal() if header.value else ''}"
            for one in fetched
            for header in one.http_headers
        )
        yield origin, [*(one.source or "" for one in fetched), *headers]


def _scalar_lines(field: Field, value: Any) -> list[str]:
    if field.is_mode:
        return [f"0{value:o}"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    text = value.reveal() if field.secret_type else str(value)
    return text.splitlines() or ['""']


def _element_lines(element: Any) -> list[str]:
    if isinstance(element, Resource):
        return _resource_lines(element)
    if not isinstance(element, Record):
        return [str(element)]
    name = key_of(element).removeprefix("label:") if type(element).KEY else ""
    inner = _entry(element).fields
    return [f"{name or '-'}: {part}: {line}" for part, lines in inner.items() for line in lines]


def _resource_lines(resource: Resource) -> list[str]:
    """The contents of a resource, or where they come from."""
    try:
        contents = inline_content(resource)
    except ContentInvalid:
        contents = None
    if contents is None:
        said = ", ".join(one for one in (resource.verification.hash, resource.compression) if one)
        return [f"from {redacted(resource.source or '')}{f' ({said})' if said else ''}"]
    if len(contents) <= MAX_SHOWN and b"\0" not in contents:
        try:
            lines = contents.decode().split("\n")
        except UnicodeDecodeError:
            lines = []
        if lines:
            return [*lines[:-1], f"{lines[-1]} (no newline at the end)"] if lines[-1] else lines[:-1] or ["(empty)"]
    return [f"{len(contents)} bytes, sha256 {sha256(contents).hexdigest()[:12]}"]
