"""Bytes -> a config and everything that is wrong with it, exactly as ignition-validate finds it.

The checks in their order: JSON syntax, version, types; then rules, duplicates, and unknown keys.
Source: coreos/ignition `config.Parse`, `config/validate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from provision.config.format import Config
from provision.config.json_text.decode import (
    Decoded,
    decode_record,
    decode_version,
    fields_by_name,
    fold_case,
    normalise,
    parse_version,
)
from provision.config.json_text.parse import parse_json
from provision.config.model import VERSIONS, Record
from provision.config.problems import MAX_PROBLEMS, Path, Problem, ProblemList
from provision.config.rules import check_rules, duplicates

EMPTY = "not a config (empty)"
INVALID = "config is not valid"
NO_VERSION = "invalid config version (couldn't parse)"
UNKNOWN_VERSION = "unsupported config version"


class Validation(NamedTuple):
    """A config converted to the newest version (None if it has errors), the version that it states, and all problems.

    `error` is the result in Ignition's words: empty, EMPTY, INVALID, NO_VERSION or UNKNOWN_VERSION. It may be set
    without any problem: then it is about the text as a whole. Unless `types_fit`, the problems are about JSON and types
    only, and no rule was run.
    """

    config: Config | None
    version: int | None
    problems: tuple[Problem, ...]
    error: str
    types_fit: bool = True


def validate(raw: bytes) -> Validation:
    """The config of any version that the bytes hold, and its problems. Never raises, whatever the bytes."""
    if not raw:
        return Validation(None, None, (), EMPTY)
    parsed = parse_json(raw)
    if parsed.problem:
        return Validation(None, None, (parsed.problem,), INVALID, types_fit=False)
    versioned = decode_version(parsed.value)
    if versioned.problems:
        return Validation(None, None, versioned.problems, INVALID, types_fit=False)
    written = parse_version(versioned.record.ignition.version)
    if written not in VERSIONS:
        return Validation(None, None, (), NO_VERSION if written is None else UNKNOWN_VERSION)
    return _validate_version(parsed.value, VERSIONS.index(written))


def _validate_version(value: Any, version: int) -> Validation:
    decoded = decode_record(Config, value, version)
    if decoded.problems:
        return Validation(None, version, decoded.problems, INVALID, types_fit=False)
    found = ProblemList()
    found.extend(check_rules(decoded.record, version))
    found.extend(duplicates(decoded.record, version))
    found.extend(islice(_unknown_keys(decoded, value, version), MAX_PROBLEMS + 1))
    if found.left_out:
        found.kept.append(Problem((), "there are more problems, which are not listed", fatal=False))
    problems = tuple(found.kept)
    if any(problem.fatal for problem in problems):
        return Validation(None, version, problems, INVALID)
    return Validation(normalise(decoded.record, version), version, problems, "")


def _unknown_keys(decoded: Decoded, value: Any, version: int) -> Iterator[Problem]:
    return unknown_keys(decoded.record, value, version) if decoded.unknown_keys else iter(())


def unknown_keys(record: Record, value: Any, version: int, path: Path = ()) -> Iterator[Problem]:
    """Warnings about keys that the format does not know, and about null where a record belongs.

    `value` is what the record was decoded from. Only values of keys in the format's own spelling are searched: values
    of other spellings are read, but Ignition does not look for unknown keys there.
    """
    if not isinstance(value, dict):
        message = f"context tree does not match content tree at {'.'.join(('$', *map(str, path)))}. Line and column "
        message += "reporting may be inconsistent. Unused keys may not be reported"
        yield Problem(path, message, fatal=False, hint="leave it out, or write {}")
        return
    names = fields_by_name(type(record), version)
    for key in value:
        if key not in names:
            hint = _key_hint(type(record), key, version)
            yield Problem((*path, key), f"unused key {key}", fatal=False, hint=hint, on_key=True)
    for name, field in names.items():
        if field.record is None or name not in value or (field.optional and value[name] is None):
            continue
        below = getattr(record, field.name)
        if field.many:
            for index, (element, one) in enumerate(zip(below, value[name] or (), strict=False)):
                yield from unknown_keys(element, one, version, (*path, name, index))
        elif value[name] is not None or record.is_set(field.name):
            yield from unknown_keys(below, value[name], version, (*path, name))


def _key_hint(record: type[Record], key: str, version: int) -> str:
    """The likely fix of an unknown key: its right case, the version that brings it, or the nearest name."""
    names = fields_by_name(record, version)
    for name in names:
        if fold_case(name) == fold_case(key):
            return f"read as {name}; write it so"
    later = next((field for field in record.FIELDS if field.json == key), None)
    if later:
        return f"{key} needs {VERSIONS[later.since]}; this config says {VERSIONS[version]}"
    from difflib import get_close_matches

    near = get_close_matches(key, [name for name in names if _look_alike(name, key)], n=1)
    return f"did you mean {near[0]}?" if near else ""


def _look_alike(name: str, key: str) -> bool:
    """Whether two names are near enough for a full comparison: a hostile config has a hundred thousand unknown keys."""
    return abs(len(name) - len(key)) < 4 and len(set(name) ^ set(key)) < 6
