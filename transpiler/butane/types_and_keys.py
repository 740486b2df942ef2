"""Problems of types and keys: values of wrong types, repeated keys, and keys that the variant's schema does not know.

The schema is loaded only if the reader found an unknown key or a value of a wrong type, because loading it takes longer
than everything else (docs/decisions/0004). A property test shows that the schema finds no other problems.
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
"""The number of unknown keys that get a hint. The search for a similar name takes time."""


class SchemaErrors(NamedTuple):
    """The errors of a schema: the paths of values of a wrong type, and of unknown keys."""

    types: frozenset[Path]
    keys: frozenset[Path]


def type_and_key_problems(reading: Reading, variant: Variant) -> list[YamlProblem]:
    """All problems of types and keys, in Butane's order. The schema decides whether a key is unknown."""
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
    return Problem(path, message, fatal=False, hint="remove it, or write the value itself in place of an alias")


def _unknown_keys(reading: Reading, variant: Variant) -> frozenset[Path]:
    """The paths of unknown keys by the schema. An initramfs has no schemas; `typed` finds the same there."""
    if not reading.fits:
        try:
            return by_schema(reading.values, variant).keys
        except (FileNotFoundError, ImportError):
            pass
    return frozenset(path for path, key in reading.unknown_keys if key)


def by_schema(values: Any, variant: Variant) -> SchemaErrors:
    """The errors of the variant's schema for values. Raises FileNotFoundError or ImportError if it cannot be loaded."""
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
    """Whether the error is about a number beyond 64 bits, which JSON Schema can express only as a limit."""
    return error.validator in {"minimum", "maximum"} and not -(1 << 63) <= error.instance < 1 << 63


def validator(variant: Variant) -> Validator:
    """A validator with the schema of a variant. Only its errors about types and keys are used.

    Raises FileNotFoundError or ImportError.
    """
    return _validator(variant.name, variant.version)


@cache
def _validator(name: str, version: str) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    from transpiler.butane.schemas import read_schema
    from transpiler.butane.variants import table

    # 6.0 is an integer in JSON Schema, but not here: `typed` has already converted all numbers that fit
    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _checker, value: type(value) is int)
    strict = extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call] # untyped in its stubs
    validator: Validator = strict(read_schema(table()[name, version]))
    return validator
