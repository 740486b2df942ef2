"""Plain values -> Config, accepted and refused as by Go's decoder; and old versions -> the newest version.

Keys match without regard to case (`validate` warns about them), null does not change a value, a repeated key is
decoded over the earlier one, and a list over its earlier elements. Source: Go's `encoding/json`, observed on Ignition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from provision.config.format import Config, Directory, File, Versioned
from provision.config.json_text.parse import RepeatedKeys, parse_json
from provision.config.model import NEWEST, STORED, VERSIONS, Field, Record, Secret, minor
from provision.config.problems import Path, Problem, ProblemList


class Decoded(NamedTuple):
    """A record and the problems of values of a wrong type.

    `unknown_keys` is True if a key is unknown or not in the format's spelling, or if a record is null.
    """

    record: Any
    problems: tuple[Problem, ...]
    unknown_keys: bool


def decode(raw: bytes) -> Config:
    """The config in a JSON text, converted to the newest version; no rule is checked.

    Only for text that is known to be valid (our own cache, a test); for other text, use `validate`. Raises ValueError.
    """
    parsed = parse_json(raw)
    version = version_of(parsed.value) if parsed.problem is None else None
    if version is None:
        raise ValueError("not a config of a known version")
    decoded = decode_record(Config, parsed.value, STORED if version == NEWEST else version)
    if decoded.problems:
        raise ValueError(decoded.problems[0].message)
    return normalise(decoded.record, version)


def decode_record(record: type[Record], value: Any, version: int, *, consume: bool = False) -> Decoded:
    """A record of any type from plain values, without conversion. Each value of a wrong type is a problem.

    With `consume`, DECODED takes the place of each list element in `value` that has no unknown keys: its memory is then
    used for the records.
    """
    decoder = _Decoder(version, consume=consume)
    made = decoder.record(record, value, (), None)
    return Decoded(made, tuple(decoder.problems.kept), decoder.unknown_keys)


def decode_version(value: Any) -> Decoded:
    """The version that a config states: a record with `ignition.version`, and problems of wrong types above it."""
    return decode_record(Versioned, value, NEWEST)


def version_of(value: Any) -> int | None:
    """The version that the plain values of a config state, as index into VERSIONS; None for an unknown version."""
    written = parse_version(decode_version(value).record.ignition.version)
    return VERSIONS.index(written) if written in VERSIONS else None


def parse_version(text: str) -> str | None:
    """A semantic version in its normal form (`03.0.0-` is 3.0.0); None for other text. Source: coreos/go-semver."""
    match = _SEMANTIC.fullmatch(text)
    if match is None:
        return None
    *numbers, prerelease, metadata = match.groups()
    plain = ".".join(str(int(number)) for number in numbers)
    return plain + (f"-{prerelease}" if prerelease else "") + (f"+{metadata}" if metadata else "")


_IDENTIFIERS = r"([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_SEMANTIC = re.compile(rf"([0-9]{{1,18}})\.([0-9]{{1,18}})\.([0-9]{{1,18}})(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?")


def fields_by_name(record: type[Record], version: int) -> dict[str, Field]:
    """The fields of a record in one version, by the names that JSON writes, in the order of writing."""
    return {field.json: field for field in record.FIELDS if field.exists(version)}


def fold_case(key: str) -> str:
    """A key in the form in which Go compares keys without regard to case. Two letters outside ASCII become `s` and
    `k`.
    """
    return key.lower().replace("\u017f", "s")


DECODED = object()
"""Stands for a plain value that was decoded and has no unknown keys."""


class _Decoder:
    """Decodes plain values in the order of the text. Paths have the format's spelling of keys."""

    def __init__(self, version: int, *, consume: bool) -> None:
        self.version = version
        self.consume = consume
        self.problems = ProblemList()
        self.unknown_keys = False
        self.names: dict[type[Record], dict[str, Field]] = {}

    def record(self, record: type[Record], value: Any, path: Path, old: Record | None) -> Record:
        """The record in an object, decoded over the record of an earlier object under the same key."""
        if value is None:
            self.unknown_keys = True
            return old or record()
        if not isinstance(value, dict):
            self.refuse(value, "an object", path)
            return old or record()
        values = dict(old.__dict__) if old else {}
        names = self.names.get(record) or self.names.setdefault(record, fields_by_name(record, self.version))
        pairs: Iterable[tuple[str, Any]] = value.pairs if type(value) is RepeatedKeys else value.items()
        for key, one in pairs:
            field = names.get(key)
            if field is None:
                self.unknown_keys = True
                field = next((field for name, field in names.items() if fold_case(name) == fold_case(key)), None)
            if field is not None:
                self.field(field, one, (*path, field.json), values)
        return record(**values)

    def field(self, field: Field, value: Any, path: Path, values: dict[str, Any]) -> None:
        """Decode one field and add it to the `values` of its record."""
        name = field.name
        if field.many:
            self.elements(field, value, path, values)
        elif field.record is not None:
            if value is None and self.version < field.pointer_until:
                values.pop(name, None)
            else:
                values[name] = self.record(field.record, value, path, values.get(name))
        elif value is None:
            if field.optional:
                values.pop(name, None)
        else:
            made = self.scalar(field, value, path)
            if made is not None:
                values[name] = made

    def elements(self, field: Field, value: Any, path: Path, values: dict[str, Any]) -> None:
        """The elements of a list, decoded over those that an earlier list under the same key had at the same index."""
        if value is None:
            values.pop(field.name, None)
            return
        if not isinstance(value, list):
            self.refuse(value, "a list", path)
            return
        old = values.get(field.name, ())
        made: list[Any] = []
        for index, one in enumerate(value):
            before = old[index] if index < len(old) else None
            if field.record is not None:
                known, self.unknown_keys = not self.unknown_keys, False
                made.append(self.record(field.record, one, (*path, index), before))
                if self.consume and not self.unknown_keys:
                    value[index] = DECODED
                self.unknown_keys |= not known
            elif type(one) is str:
                made.append(one)
            else:
                made.append(before or "" if one is None else self.scalar(field, one, (*path, index)) or "")
        values[field.name] = tuple(made)

    def scalar(self, field: Field, value: Any, path: Path) -> Any:
        """The value if its type is the field's, else None and a problem."""
        if type(value) is field.scalar and (not isinstance(value, int) or -(1 << 63) <= value < 1 << 63):
            return Secret(value) if field.secret_type else value
        self.refuse(value, _WANTED.get(field.scalar, "an object"), path, hint=_octal_hint(field, value))
        return None

    def refuse(self, value: Any, wanted: str, path: Path, hint: str = "") -> None:
        """Note a value of a wrong type; the value itself may be a secret and is never shown."""
        found = _FOUND.get(type(value), "an object")
        if type(value) is int and wanted == _WANTED[int]:
            found = "a number that is not within 64 bits"
        self.problems.add(Problem(path, f"expected {wanted}, found {found}", hint=hint))


_WANTED: dict[type | None, str] = {str: "a string", int: "a whole number", bool: "true or false"}
_FOUND = {
    str: "a string",
    int: "a number",
    float: "a number that is not whole or not within 64 bits",
    bool: "true or false",
    list: "a list",
    type(None): "null",
}


def _octal_hint(field: Field, value: Any) -> str:
    if field.name != "mode" or not isinstance(value, str):
        return ""
    digits = value.removeprefix("0o")
    known = digits and len(digits) < 6 and set(digits) <= set("01234567")
    return f"JSON has no octal numbers: write {int(digits, 8)}" if known else ""


def normalise(config: Config, version: int) -> Config:
    """A config converted to the newest version. Only fields whose meaning changed are rewritten.

    Ignition also drops `advertisement` of Tang servers when it converts 3.4 to 3.5. That bug is not copied.
    """
    if version < _NO_OLD_VALUES:
        config = _with_old_values(config, version)
    if version < _SPECIAL_BITS_ACT:
        config = _with_permission_bits_only(config)
    return config.changed(ignition=config.ignition.changed(version=VERSIONS[NEWEST]))


def _with_old_values(record: _Record, version: int) -> _Record:
    """The record with empty texts for absent ones that the old version could not leave out.

    In a child config an empty text overrides the parent's text.
    """
    changes: dict[str, Any] = {}
    for field in record.FIELDS:
        value = record.__dict__.get(field.name)
        if value is None and version < field.value_until:
            changes[field.name] = ""
        elif value and field.record is not None and _had_values(field.record, version):
            many = field.many
            changes[field.name] = (
                tuple(_with_old_values(one, version) for one in value) if many else _with_old_values(value, version)
            )
    return record.changed(**changes) if changes else record


def _had_values(record: type[Record], version: int) -> bool:
    return any(
        version < field.value_until or (field.record and _had_values(field.record, version)) for field in record.FIELDS
    )


def _with_permission_bits_only(config: Config) -> Config:
    """Before 3.6 setuid, setgid and sticky bits were accepted and ignored."""
    storage = config.storage
    return config.changed(
        storage=_replaced(
            storage,
            directories=tuple(_masked(one) for one in storage.directories),
            files=tuple(_masked(one) for one in storage.files),
        )
    )


def _masked(node: _Node) -> _Node:
    return node if node.mode is None or not node.mode & 0o7000 else node.changed(mode=node.mode & ~0o7000)


def _replaced(record: _Record, **changes: Any) -> _Record:
    """The record with the differing fields replaced. A field that does not differ stays unset if it was not set."""
    return record.changed(**{name: value for name, value in changes.items() if value != getattr(record, name)})


_Record = TypeVar("_Record", bound=Record)
_Node = TypeVar("_Node", File, Directory)
_NO_OLD_VALUES, _SPECIAL_BITS_ACT = minor("3.3"), minor("3.6")
