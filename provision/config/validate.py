"""Bytes -> a config and everything that is wrong with it, exactly as ignition-validate finds it.

The checks in their order: JSON syntax, version, types; then rules, duplicates, and unknown keys.
Source: coreos/ignition `config.Parse`, `config/validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from provision.config.format import Config
from provision.config.json_text.decode import (
    Decoded,
    decode_record,
    decode_version,
    normalise,
    parse_version,
)
from provision.config.json_text.parse import parse_json
from provision.config.json_text.unknown_keys import unknown_keys
from provision.config.model import VERSIONS
from provision.config.problems import MAX_PROBLEMS, Path, Problem, ProblemList
from provision.config.rules import check_rules, duplicates

EMPTY = "not a config (empty)"
INVALID = "config is not valid"
NO_VERSION = "invalid config version (couldn't parse)"
UNKNOWN_VERSION = "unsupported config version"


def _same(path: Path) -> Path:
    return path


class Validation(NamedTuple):
    """A config converted to the newest version (None if it has errors), the version that it states, and all problems.

    `error` is the result in Ignition's words: empty, EMPTY, INVALID, NO_VERSION or UNKNOWN_VERSION. It may be set
    without any problem: then it is about the text as a whole. Unless `types_fit`, the problems are about JSON and types
    only, and no rule was run. `path_in_text` gives the path in the text of what has a path in the config; they differ
    for versions before 3. `written_path` does so for a path in `Config.older`.
    """

    config: Config | None
    version: int | None
    problems: tuple[Problem, ...]
    error: str
    types_fit: bool = True
    path_in_text: Callable[[Path], Path] = _same
    written_path: Callable[[Path], Path] = _same


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
        if written is None or written.startswith("2."):
            old = _validate_old(parsed.value, written)
            if old is not None:
                return old
        return Validation(None, None, (), NO_VERSION if written is None else UNKNOWN_VERSION)
    return _validate_version(parsed.value, VERSIONS.index(written))


def _validate_old(value: Any, written: str | None) -> Validation | None:
    """The validation of a config of version 1 or 2.x; None if it is of no such version."""
    is_first = isinstance(value, dict) and value.get("ignitionVersion") == 1
    if written is None and not is_first:
        return None
    from provision.config.old_versions.validate import validate_old

    old = validate_old(value, written)
    if old is None:
        return None
    config = None if old.conversion is None else old.conversion.config
    error = "" if config else INVALID
    return Validation(config, None, old.problems, error, old.types_fit, old.path_in_text, old.written_path)


def _validate_version(value: Any, version: int) -> Validation:
    decoded = decode_record(Config, value, version, consume=True)
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
