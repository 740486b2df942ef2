"""Old configs in the form of 2.4, and appended to each other as Ignition 2.x appends them."""

from __future__ import annotations

from typing import TypeVar

from provision.config.model import Record
from provision.config.old_versions.format import NEWEST_OLD, OLD_VERSIONS, OldConfig

_Record = TypeVar("_Record", bound=Record)

_ZEROES: dict[str, object] = {"mode": 0, "size": 0, "start": 0, "label": ""}
"""What fields that could not be absent in older versions were if nothing was written."""


def in_newest_form(config: OldConfig, version: int) -> OldConfig:
    """A config of version 2.`version` as one of 2.4. Source: `config/v2_*/translate.go`."""
    config = _with_zeroes(config, version)
    return config.changed(ignition=config.ignition.changed(version=OLD_VERSIONS[NEWEST_OLD]))


def _with_zeroes(record: _Record, version: int) -> _Record:
    changes: dict[str, object] = {}
    for field in record.FIELDS:
        written = record.__dict__.get(field.name)
        if written is None and version < field.value_until:
            changes[field.name] = _ZEROES[field.name]
        elif written and field.record is not None:
            many = field.many
            changes[field.name] = (
                tuple(_with_zeroes(one, version) for one in written) if many else _with_zeroes(written, version)
            )
    return record.changed(**changes) if changes else record


def append_config(old: _Record, new: _Record) -> _Record:
    """The new config appended to the old one, both in the form of 2.4.

    Lists are joined; of values the new one counts, even if it is zero, and a pointer if it is set. The version and the
    references to other configs are not joined. Source: `config/v2_4/append.go`.
    """
    joined: dict[str, object] = {}
    for field in type(old).FIELDS:
        before, after = getattr(old, field.name), getattr(new, field.name)
        if field.name == "version":
            joined[field.name] = before
        elif field.name == "config":
            joined[field.name] = after
        elif field.many:
            joined[field.name] = (*before, *after)
        elif field.record is not None:
            joined[field.name] = append_config(before, after)
        else:
            joined[field.name] = before if field.optional and after is None else after
    return type(old)(**joined)
