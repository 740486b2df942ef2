"""Keys that a format does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from provision.config.json_text.decode import DECODED, fields_by_name, fold_case
from provision.config.model import VERSIONS, Record
from provision.config.problems import Path, Problem, shortened


def unknown_keys(
    record: Record, value: Any, version: int, path: Path = (), versions: Sequence[str] = VERSIONS
) -> Iterator[Problem]:
    """Warnings about keys that the format does not know, and about null where a record belongs.

    `value` is what the record was decoded from. Only values of keys in the format's own spelling are searched: values
    of other spellings are read, but Ignition does not look for unknown keys there. `versions` are those of the format.
    """
    if value is DECODED:
        return
    if not isinstance(value, dict):
        message = f"context tree does not match content tree at {'.'.join(('$', *map(str, path)))}. Line and column "
        message += "reporting may be inconsistent. Unused keys may not be reported"
        yield Problem(path, message, fatal=False, hint="leave it out, or write {}")
        return
    names = fields_by_name(type(record), version)
    for key in value:
        if key not in names:
            hint = _key_hint(type(record), key, version, versions)
            yield Problem((*path, key), f"unused key {shortened(key)}", fatal=False, hint=hint, on_key=True)
    for name, field in names.items():
        if field.record is None or name not in value or (field.optional and value[name] is None):
            continue
        below = getattr(record, field.name)
        if field.many:
            for index, (element, one) in enumerate(zip(below, value[name] or (), strict=False)):
                yield from unknown_keys(element, one, version, (*path, name, index), versions)
        elif record.is_set(field.name):
            yield from unknown_keys(below, value[name], version, (*path, name), versions)


def _key_hint(record: type[Record], key: str, version: int, versions: Sequence[str]) -> str:
    """The likely fix of an unknown key: its right case, the version that brings it, or the nearest name."""
    names = fields_by_name(record, version)
    for name in names:
        if len(name) == len(key) and fold_case(name) == fold_case(key):
            return f"read as {name}; write it so"
    later = next((field for field in record.FIELDS if field.json == key), None)
    if later:
        return f"{key} needs {versions[later.since]}; this config says {versions[version]}"
    alike = [name for name in names if _look_alike(name, key)]
    if not alike:
        return ""
    from difflib import get_close_matches

    near = get_close_matches(key, alike, n=1)
    return f"did you mean {near[0]}?" if near else ""


def _look_alike(name: str, key: str) -> bool:
    """Whether two names are near enough for a full comparison: a hostile config has a hundred thousand unknown keys."""
    return abs(len(name) - len(key)) < 4 and len(set(name) ^ set(key)) < 6
