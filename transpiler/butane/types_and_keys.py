"""Types and keys: what the reader could not use of a text, and which keys the variant's schema does not know.

The schema is asked only if the reader met an unknown key or a value of a wrong type: a property test holds that the
schema finds nothing else, and loading it takes longer than everything else (docs/decisions/0004).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from provision.config.problems import Path, Problem, ignition_path
from transpiler.butane.hints import key_hint
from transpiler.butane.variants import Variant
from transpiler.reading.typed import Reading
from transpiler.reading.yaml_problems import YamlProblem

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MANY = 100
"""So many problems get a hint. Searching a similar name takes time, and nobody reads more hints."""


class SchemaErrors(NamedTuple):
    """What a schema says about values: the paths of values of a wrong type, and of keys it does not know."""

    types: frozenset[Path]
    keys: frozenset[Path]


def type_and_key_problems(reading: Reading, variant: Variant) -> list[YamlProblem]:
    """Everything about types and keys, in Butane's order; whether a key is unknown is the schema's decision."""
    found = [*reading.faults, *reading.misfits.values()]
    unknown = _unknown_keys(reading, variant)
    for path, key in reading.unknown_keys:
        if key is None:
            found.append(YamlProblem(_mismatch(path)))
        elif path in unknown:
            hint = key_hint(path, variant) if len(found) < MANY else ""
            found.append(
                YamlProblem(Problem(path, f"unused key {key.text}", fatal=False, hint=hint, at=key.at, on_key=True))
            )
    return found


def _mismatch(path: Path) -> Problem:
    message = (
        f"context tree does not match content tree at {ignition_path(path)}."
        " Line and column reporting may be inconsistent. Unused keys may not be reported"
    )
    return Problem(path, message, fatal=False, hint="leave it out, or write it in full; aliases hide places")


def _unknown_keys(reading: Reading, variant: Variant) -> frozenset[Path]:
    """The unknown keys that the schema reports; in an initramfs, which has no schemas, `typed` finds the same."""
    if not reading.fits:
        try:
            return by_schema(reading.values, variant).keys
        except (FileNotFoundError, ImportError):
            pass
    return frozenset(path for path, key in reading.unknown_keys if key)


def by_schema(values: Any, variant: Variant) -> SchemaErrors:
    """What the variant's schema says about values."""
    types: set[Path] = set()
    keys: set[Path] = set()
    error: Any
    for error in validator(variant).iter_errors(values):
        path: Path = tuple(error.absolute_path)
        if error.validator == "type" or _is_beyond_64_bits(error):
            types.add(path)
        elif error.validator == "additionalProperties":
            keys.update((*path, key) for key in error.instance.keys() - error.schema["properties"].keys())
    return SchemaErrors(frozenset(types), frozenset(keys))


def _is_beyond_64_bits(error: Any) -> bool:
    """Whether a number is too large for any field: JSON Schema has no such type, only limits."""
    return error.validator in {"minimum", "maximum"} and not -(1 << 63) <= error.instance < 1 << 63


def validator(variant: Variant) -> Validator:
    """What checks the types and keys of a variant's values; rules report everything else that its schema says."""
    return _validator(variant.name, variant.version)


@cache
def _validator(name: str, version: str) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    from transpiler.butane.schemas import read
    from transpiler.butane.variants import table

    # JSON Schema takes 6.0 for an integer; `typed` has made integers of all numbers that fit
    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _checker, value: type(value) is int)
    strict = extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call] # so in its stubs
    validator: Validator = strict(read(table()[name, version]))
    return validator
