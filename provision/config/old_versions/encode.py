"""OldConfig -> JSON of a version 2.x, with the records that Ignition 2.x and ct write even if they are empty."""

from __future__ import annotations

from typing import Any

from provision.config.json_text.encode import dump
from provision.config.model import Record, Secret
from provision.config.old_versions.format import NEWEST_OLD, OLD_VERSIONS, OldConfig, OldRaid

_RAID_DEVICES = OldRaid.BY_JSON["devices"]
"""The one list that Go's encoder writes even if it is empty, as null."""


def encode_old(config: OldConfig, version: int = NEWEST_OLD, indent: int = 0) -> str:
    """The config as JSON of version 2.`version`, without a final newline; compact, or indented by `indent` spaces."""
    return dump(plain_old(config, version), indent)


def plain_old(config: OldConfig, version: int = NEWEST_OLD) -> dict[str, Any]:
    """The config as plain values, without fields that the version does not have."""
    return _plain(config.changed(ignition=config.ignition.changed(version=OLD_VERSIONS[version])), version)


def _plain(record: Record, version: int) -> dict[str, Any]:
    """Records that are no pointers are written even if they are empty; so does Go's encoder."""
    written: dict[str, Any] = {}
    for field in record.FIELDS:
        value = getattr(record, field.name)
        if not field.exists(version):
            continue
        if field.many:
            elements = [_plain(one, version) if isinstance(one, Record) else one for one in value]
            if elements or field is _RAID_DEVICES:
                written[field.json] = elements or None
        elif field.record is not None:
            if version >= field.pointer_until or record.is_set(field.name):
                written[field.json] = _plain(value, version)
        elif value is not None and (value or field.optional or not field.omit_empty):
            written[field.json] = value.reveal() if isinstance(value, Secret) else value
    return written
