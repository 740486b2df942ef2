"""Types, keys and shape: what a schema finds in the values of a text, and what only the text itself can show.

The schema is asked only when `typed` left something as it was or met a key it does not know: a property test holds
that it has nothing to say otherwise, and loading it takes longer than all the rest (see docs/decisions/0004).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple

from provision.config.problems import Path, Position, Problem, ignition_path
from transpiler.butane.hints import key_hint, value_hint
from transpiler.butane.variants import Variant
from transpiler.reading.scalars import shortened, tag_of
from transpiler.reading.tree import YamlError, YamlNode
from transpiler.reading.typed import Misfit, Reading

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MANY = 100
"""After so many findings nobody reads hints, and guessing takes time."""

SCHEMAS = FilePath(__file__).resolve().parents[2] / "schemas"


class Finding(NamedTuple):
    """A problem, and what yaml.v3 says about it, and `at` which node, if it refuses the text because of it."""

    problem: Problem
    yaml_v3: str = ""
    at: Position = Position(0, 0)


class SchemaErrors(NamedTuple):
    """What a schema says about values: the paths of values of a wrong type, and of keys it does not know."""

    types: frozenset[Path]
    keys: frozenset[Path]


def unreadable(error: YamlError) -> Problem:
    """The problem of a text that is no YAML."""
    return Problem((), error.message, hint=error.hint, at=error.at)


def shape(reading: Reading) -> list[Finding]:
    """What the text has that no schema can see: repeated keys, and keys that are no texts."""
    return [
        Finding(Problem(fault.path, fault.message, at=fault.node.at, hint=fault.hint), fault.yaml_v3, fault.node.at)
        for fault in reading.faults
    ]


def misfits(reading: Reading) -> list[Finding]:
    """Values that do not fit their types."""
    return [_misfit(path, misfit) for path, misfit in reading.misfits.items()]


def findings(reading: Reading, variant: Variant) -> list[Finding]:
    """Everything about types and keys, in the order of Butane; types and keys are the schema's to judge."""
    found = shape(reading)
    verdict = _verdict(reading, variant)
    found += [_misfit(path, misfit) for path, misfit in reading.misfits.items() if path in verdict.types]
    for path, key in reading.unknown_keys:
        if key is None:
            found.append(Finding(_mismatch(path)))
        elif path in verdict.keys:
            hint = key_hint(path, variant) if len(found) < MANY else ""
            found.append(
                Finding(Problem(path, f"unused key {key.text}", fatal=False, hint=hint, at=key.at, on_key=True))
            )
    return found


def _misfit(path: Path, misfit: Misfit) -> Finding:
    node, wanted = misfit
    problem = Problem(
        path, f"expected {_WANTED[wanted]}, found {_found(node)}", hint=value_hint(node, wanted), at=node.at
    )
    tag = tag_of(node)
    shown = f" `{shortened(node.text)}`" if node.kind == "scalar" else ""
    return Finding(problem, f"line {node.line}: cannot unmarshal {tag}{shown} into {wanted}", node.at)


_WANTED = {
    "string": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "mapping": "a mapping (lines of `name: value`)",
}
_FOUND = {
    "!!int": "a number",
    "!!float": "a number",
    "!!bool": "a boolean",
    "!!timestamp": "a date",
    "!!null": "nothing",
}


def _found(node: YamlNode) -> str:
    if node.kind != "scalar":
        return "a list" if node.kind == "sequence" else "a mapping"
    return _FOUND.get(tag_of(node), "a text")


def _mismatch(path: Path) -> Problem:
    message = (
        f"context tree does not match content tree at {ignition_path(path)}."
        " Line and column reporting may be inconsistent. Unused keys may not be reported"
    )
    return Problem(path, message, fatal=False, hint="leave it out, or write it in full; aliases hide places")


def _verdict(reading: Reading, variant: Variant) -> SchemaErrors:
    """The schema's verdict; in an initramfs, which has no schemas, what `typed` knows is the same."""
    if not reading.fits:
        try:
            return by_schema(reading.values, variant)
        except (FileNotFoundError, ImportError):
            pass
    return SchemaErrors(frozenset(reading.misfits), frozenset(path for path, key in reading.unknown_keys if key))


def by_schema(values: Any, variant: Variant) -> SchemaErrors:
    """What the variant's schema says about values."""
    types: set[Path] = set()
    keys: set[Path] = set()
    error: Any
    for error in validator(variant.name, variant.version).iter_errors(values):
        path: Path = tuple(error.absolute_path)
        if error.validator == "type":
            types.add(path)
        elif error.validator == "additionalProperties":
            keys.update((*path, key) for key in error.instance.keys() - error.schema["properties"].keys())
    return SchemaErrors(frozenset(types), frozenset(keys))


@cache
def validator(name: str, version: str) -> Validator:
    """The judge of one variant's values: of types and keys only, because rules report everything else."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads((SCHEMAS / f"butane-{name}-{version}.json").read_bytes()))
