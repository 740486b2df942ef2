"""Config -> JSON, byte for byte as Butane writes it, or as Ignition keeps it.

Fields stand in declared order. Empty ones are left out, except values that always exist. `<`, `>` and `&` are
escaped as Go escapes them for HTML. Source: Butane's output; `encoding/json` and clarketm/json, observed.
"""

from __future__ import annotations

import json
import re
from typing import Any

from provision.config.format import Config, ConfigResource
from provision.config.model import NEWEST, STORED, VERSIONS, Field, Record, Secret

_GO_ESCAPES = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
        **{chr(0xDC00 + byte): "\\ufffd" for byte in range(0x80, 0x100)},
    }
)
"""Characters that Go escapes and Python does not. They occur only in strings. The last ones stand for bytes that are
not UTF-8.
"""


def encode(config: Config, version: int = NEWEST, indent: int = 0) -> str:
    """A config as the JSON of a version, without a final newline; compact, or indented by `indent` spaces."""
    return dump(plain(config, version), indent)


def encode_stored(config: Config, indent: int = 0) -> str:
    """A config as it is kept between stages: in the newest version, with the fields that no version has."""
    written = config.changed(ignition=config.ignition.changed(version=VERSIONS[NEWEST]))
    return dump(_sparse(written, STORED), indent)


def encode_whole(config: Config) -> str:
    """A config as Ignition keeps and logs it: in the newest version, with every record, even empty ones."""
    return dump(_whole(config.changed(ignition=config.ignition.changed(version=VERSIONS[NEWEST]))))


def dump(value: Any, indent: int = 0) -> str:
    """Plain values as Butane's marshaller writes them; `indent` is the number of spaces in front of each level."""
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, indent=indent or None, separators=separators)
    return re.sub(r"\\(.)", _without_short_forms, text.translate(_GO_ESCAPES))


def _without_short_forms(escape: re.Match[str]) -> str:
    return {"b": "\\u0008", "f": "\\u000c"}.get(escape[1], escape[0])


def plain(config: Config, version: int = NEWEST) -> dict[str, Any]:
    """A config as plain values in the order of writing, without fields that the version does not have."""
    written = config.changed(ignition=config.ignition.changed(version=VERSIONS[version]))
    return _sparse(written, version)


def _sparse(record: Record, version: int) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for field in record.FIELDS:
        value = getattr(record, field.name)
        if not field.exists(version):
            continue
        if field.many:
            if value:
                written[field.json] = [_element(one, version) for one in value]
        elif field.record is not None:
            inner = _sparse(value, version)
            there = any(one is not None for one in inner.values())
            if record.is_set(field.name) if version < field.pointer_until else there:
                written[field.json] = inner
        elif value is None:
            written.update(_absent(record, field, version))
        elif value or field.optional or not field.omit_empty:
            written[field.json] = _scalar(value)
    return written


def _element(value: Any, version: int) -> Any:
    return _sparse(value, version) if isinstance(value, Record) else value


def _scalar(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _absent(record: Record, field: Field, version: int) -> dict[str, Any]:
    """The value that old versions, which left out nothing, write for an absent field; in 3.0.0 a source is null."""
    if version < field.value_until:
        return {field.json: ""}
    if version == 0 and isinstance(record, ConfigResource) and field.name == "source":
        return {field.json: None}
    return {}


def _whole(record: Record) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for field in record.FIELDS:
        value = getattr(record, field.name)
        if field.many and value:
            written[field.json] = [_whole(one) if isinstance(one, Record) else one for one in value]
        elif field.record is not None and not field.many:
            written[field.json] = _whole(value)
        elif not field.many and value is not None and (value or field.optional or not field.omit_empty):
            written[field.json] = _scalar(value)
    return written
