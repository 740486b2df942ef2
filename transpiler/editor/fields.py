"""The field at a path of a config, and what its author should know about it, in the terms of YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provision.config.model import Field, Record, camel
from provision.config.problems import Path
from transpiler.butane.hints import record_at
from transpiler.butane.records import Butane, Fcos, OpenShift
from transpiler.butane.variants import Variant, table

_KINDS: dict[type | None, str] = {str: "text", int: "number", bool: "true or false"}


def record_type(variant: Variant | None, path: Path) -> type[Record] | None:
    """The type of the mapping at a path; None if the model has none there, or a list without an index."""
    record = variant.record if variant else OpenShift
    if path and isinstance(path[-1], str):
        field = field_at(variant, path)
        return None if field is None or field.many else field.record
    if path and (field := field_at(variant, path[:-1])) is not None and not field.many:
        return None
    return record_at(record, path)


def field_at(variant: Variant | None, path: Path) -> Field | None:
    """The field at a path, or of the list whose element is there; None if this version of the variant has none."""
    names = path[:-1] if path and isinstance(path[-1], int) else path
    if not names or not isinstance(names[-1], str):
        return None
    record = record_at(variant.record if variant else OpenShift, names[:-1])
    field = next((one for one in record.FIELDS if one.name == names[-1]), None) if record else None
    return field if field is not None and (variant is None or field.exists(variant.spec_minor)) else None


def fields_of(variant: Variant | None, path: Path) -> Iterator[Field]:
    """The fields that the mapping at a path may have in this version of the variant."""
    record = record_type(variant, path)
    for field in record.FIELDS if record else ():
        shown = field.is_published and (variant is None or field.exists(variant.spec_minor))
        if shown and not (variant and _refused(variant, (*path, field.name))):
            yield field


def _refused(variant: Variant, path: Path) -> str:
    """Why the variant does not allow a field or one above it; empty if it does."""
    dotted = ".".join(camel(part) for part in path if isinstance(part, str))
    found = (why for name, why in variant.refused.items() if f"{dotted}.".startswith(f"{name}."))
    return next(found, "")


def summary(field: Field) -> str:
    """The kind of a field's values in a few words: `list of texts`, `mapping`."""
    if field.record is not None:
        return "list of mappings" if field.many else "mapping"
    if field.many:
        return "list of texts"
    return "mode, in octal" if field.is_mode else _KINDS[field.scalar]


def description(field: Field, variant: Variant | None, path: Path) -> str:
    """What the field is for, as Markdown: its meaning, values, example, and the variants that have it."""
    parts = [f"**{field.name}**: {summary(field)}", _in_versions(field.meaning, variant)]
    choices = [one for one, since in field.choices.items() if one and (not variant or since <= variant.spec_minor)]
    if choices:
        parts.append(f"One of {', '.join(f'`{one}`' for one in choices)}.")
    shown = example(field)
    if shown:
        parts.append(f"```yaml\n{shown}\n```")
    if variant and (reason := _refused(variant, path)):
        parts.append(f"Not for {variant.name} {variant.version}: {reason}.")
    if field.since:
        parts.append(f"Since {', '.join(_first_versions(field))}.")
    return "\n\n".join(parts)


def example(field: Field) -> str:
    """The example of a field as YAML, with modes in octal; empty if there is none."""
    if field.example is None or field.secret:
        return ""
    return f"{field.name}: {yaml_value(field, field.example)}"


def yaml_value(field: Field, value: Any) -> str:
    """A value as an author writes it on one line."""
    if field.is_mode:
        return f"0{value:o}"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {one}' for key, one in value.items())}}}"
    return str(value)


def _first_versions(field: Field) -> Iterator[str]:
    """For each variant that has a field of this version, the first version with it: `fcos 1.5.0`."""
    rows = table().values()
    for name in dict.fromkeys(row.name for row in rows):
        first = next((row for row in rows if row.name == name and field.exists(row.spec_minor)), None)
        if first is not None and (issubclass(first.record, Fcos) or field in _of_base(field)):
            yield f"`{name} {first.version}`"


def _of_base(field: Field) -> tuple[Field, ...]:
    """The field itself if configs of every variant can have it, not only those of Fedora CoreOS and OpenShift."""
    waiting: list[type[Record]] = [Butane]
    seen: set[type[Record]] = set()
    while waiting:
        record = waiting.pop()
        if field in record.FIELDS:
            return (field,)
        seen.add(record)
        waiting.extend(one.record for one in record.FIELDS if one.record is not None and one.record not in seen)
    return ()


def _in_versions(text: str, variant: Variant | None) -> str:
    """A description with versions of the Ignition format replaced by those of the variant that has them first."""
    if variant is None:
        return text

    def renamed(match: re.Match[str]) -> str:
        minor = int(match[1])
        rows = (row for row in table().values() if row.name == variant.name and row.spec_minor >= minor)
        first = next(rows, None)
        return f"{variant.name} {first.version}" if first else match[0]

    return re.sub(r"(?<=since )3\.(\d)\.0", renamed, text)
