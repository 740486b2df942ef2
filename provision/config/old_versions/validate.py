"""Plain values of an old config -> the one model and everything that is wrong with it, as Ignition 2.x finds it.

Source: coreos/ignition 0.35, `config/v2_4/config.go`, `config/validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from provision.config.json_text.decode import Decoded, decode_record
from provision.config.json_text.unknown_keys import unknown_keys
from provision.config.model import Record
from provision.config.old_versions.append import in_newest_form
from provision.config.old_versions.conversion import Conversion, convert
from provision.config.old_versions.format import OLD_VERSIONS, OldConfig
from provision.config.old_versions.rules import OLD_RULES
from provision.config.old_versions.version_1 import FirstConfig, as_version_2, check_first, first_path
from provision.config.problems import MAX_PROBLEMS, Path, Problem, ProblemList
from provision.config.rules import check_rules

DEPRECATED = "config format deprecated"


class OldValidation(NamedTuple):
    """A converted config (None if it has errors), all problems, and how to find a path of the new config in the text.

    Unless `types_fit`, the problems are about types only. `written_path` finds a path of the config in the form of 2.4.
    """

    conversion: Conversion | None
    problems: tuple[Problem, ...]
    types_fit: bool
    path_in_text: Callable[[Path], Path]
    written_path: Callable[[Path], Path]


def validate_old(value: Any, written: str | None) -> OldValidation | None:
    """Validate plain values that state the version `written`, or version 1 if it is None; None for an unknown version.

    `value` is an object.
    """
    if written is None:
        return _validate_first(value)
    if written not in OLD_VERSIONS:
        return None
    version = OLD_VERSIONS.index(written)
    decoded = decode_record(OldConfig, value, version)
    if decoded.problems:
        return _invalid(decoded.problems, types_fit=False)
    problems = _all((*check_rules(decoded.record, version, OLD_RULES),), decoded, value, version, OLD_VERSIONS)
    if any(problem.fatal for problem in problems):
        return _invalid(problems)
    conversion = convert(in_newest_form(decoded.record, version))
    return OldValidation(conversion, problems, types_fit=True, path_in_text=conversion.old_path, written_path=_same)


def _validate_first(value: Any) -> OldValidation:
    decoded = decode_record(FirstConfig, value, 0)
    if decoded.problems:
        return _invalid(decoded.problems, types_fit=False)
    first: FirstConfig = decoded.record
    old = as_version_2(first)
    problems = _all((*check_first(first, old),), decoded, value, 0, ("1", *OLD_VERSIONS))
    if any(problem.fatal for problem in problems):
        return _invalid(problems)
    conversion = convert(in_newest_form(old, 0))
    deprecated = Problem(("ignitionVersion",), DEPRECATED, fatal=False, hint="convert it to a newer version")

    def path_in_text(path: Path) -> Path:
        return first_path(conversion.old_path(path), first)

    def written_path(path: Path) -> Path:
        return first_path(path, first)

    return OldValidation(
        conversion, (*problems, deprecated), types_fit=True, path_in_text=path_in_text, written_path=written_path
    )


def _all(
    found: tuple[Problem, ...], decoded: Decoded, value: Any, version: int, versions: tuple[str, ...]
) -> tuple[Problem, ...]:
    """The problems with those about unknown keys, as many as are kept."""
    problems = ProblemList()
    problems.extend(found)
    if decoded.unknown_keys:
        problems.extend(islice(_unknown_keys(decoded.record, value, version, versions), MAX_PROBLEMS + 1))
    if problems.left_out:
        problems.kept.append(Problem((), "there are more problems, which are not listed", fatal=False))
    return tuple(problems.kept)


def _unknown_keys(record: Record, value: Any, version: int, versions: tuple[str, ...]) -> Iterator[Problem]:
    """Warnings about unknown keys in the words of Ignition 2.x, which does not mind a null in place of a record."""
    for problem in unknown_keys(record, value, version, versions=versions):
        if problem.on_key:
            yield problem._replace(message=f"Config has unrecognized key: {problem.path[-1]}")


def _invalid(problems: tuple[Problem, ...], *, types_fit: bool = True) -> OldValidation:
    return OldValidation(None, problems, types_fit, _same, _same)


def _same(path: Path) -> Path:
    return path
