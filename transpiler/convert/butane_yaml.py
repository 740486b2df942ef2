"""A config -> Butane YAML that an author would write: texts of contents in place of data URLs, modes in octal.

Fields have the order in which people read them: what names an entry, then values, then lists and what is nested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.config.format import Config, ConfigResource, Resource
from provision.config.model import VERSIONS, Field, Record, Secret, camel
from provision.config.problems import Path
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.validate import validate
from transpiler.butane.variants import Variant
from transpiler.convert.yaml_text import Comment, Octal, yaml_text
from transpiler.spec_versions.losses import Form, losses
from transpiler.spec_versions.writing import Written

_NAMES = ("path", "name", "device", "url", "number", "label", "source", "inline")
"""The fields that name an entry. They stand first, in this order."""


def write_butane(config: Config, variant: Variant, comments: Mapping[Path, Comment] | None = None) -> Written:
    """The config as YAML of a variant. It is transpiled again and compared, so that nothing is lost without being
    named. Paths of losses are those of the config (JSON names); paths of comments are those of the YAML.
    """
    from transpiler.phases import transpile
    from transpiler.translation_state import TranspileOptions

    text = yaml_text(butane_values(config, variant), comments)
    result = transpile(text.encode(), TranspileOptions(lints=False, raw=True))
    if result.failed:
        lost = tuple(
            one._replace(path=config_path(one.path), at=None, on_key=False, hint=one.hint or _hint(variant))
            for one in result.problems
            if one.fatal
        )
        return Written(variant.spec_minor, text, lost)
    again = validate(result.json.encode()).config
    found = losses(config, again or Config(), Form(variant.spec_minor))
    return Written(variant.spec_minor, text, tuple(found))


def butane_values(config: Config, variant: Variant) -> dict[str, Any]:
    """The config as plain values with the keys of a variant's YAML, without fields that its spec does not have."""
    head = {"variant": variant.name, "version": variant.version}
    return head | _values(config, variant, ())


def _values(record: Record, variant: Variant, path: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if isinstance(record, Resource):
        record, text = _with_text(record, variant, path)
        values |= {} if text is None else {"inline": text}
    fields = [one for one in type(record).FIELDS if one.exists(variant.spec_minor) and record.is_set(one.name)]
    for field in sorted(fields, key=lambda one: _rank(one, getattr(record, one.name))):
        written = _written(field, getattr(record, field.name), variant, (*path, field.name))
        if written is not None and (*path, field.name) != ("ignition", "version"):
            values[field.name] = written
    return values


def _written(field: Field, value: Any, variant: Variant, path: Path) -> Any:
    """The value of a field, or None if there is nothing to write."""
    if field.record is not None and field.many:
        return [_values(one, variant, (*path, index)) for index, one in enumerate(value)] or None
    if field.record is not None:
        return _values(value, variant, path) or None
    if field.many:
        return list(value) or None
    if isinstance(value, Secret):
        return value.reveal()
    if value is None or (not field.optional and value == field.default):
        return None
    return Octal(value) if field.is_mode else value


def _rank(field: Field, value: Any) -> tuple[int, int]:
    if field.name in _NAMES:
        return 0, _NAMES.index(field.name)
    if field.many:
        return (4 if field.record else 2), 0
    if field.record is not None:
        return 3, 0
    return (2 if isinstance(value, str) and "\n" in value else 1), 0


def _with_text(resource: Resource, variant: Variant, path: Path) -> tuple[Resource, str | None]:
    """A resource without its data URL, and the text that it holds; as it is, and None, if it holds no text.

    A config that Butane refuses as a text, because it looks into it, is no text here.
    """
    text = _text_of(resource)
    if text is None or (isinstance(resource, ConfigResource) and not variant.since("3.1")):
        return resource, None
    if path[:2] == ("ignition", "config"):
        validation = validate(text.encode())
        if validation.config is None or validation.version != variant.spec_minor:
            return resource, None
    kept = {name: one for name, one in resource.__dict__.items() if name not in {"source", "compression"}}
    return type(resource)(**kept), text


def _text_of(resource: Resource) -> str | None:
    """The text in the data URL of a resource; None if it has none, or if it is no text that people read."""
    if not (resource.source or "").startswith("data:"):
        return None
    try:
        text = (inline_content(resource) or b"").decode()
    except (ContentInvalid, UnicodeDecodeError):
        return None
    is_readable = all(one.isprintable() for one in text.replace("\n", "").replace("\t", "").replace("\r", ""))
    return text if is_readable else None


def config_path(path: Path) -> Path:
    """The path in the config of what has this path in the YAML."""
    names = {"inline": "source"}
    return tuple(camel(names.get(part, part)) if isinstance(part, str) else part for part in path)


def _hint(variant: Variant) -> str:
    return f"{variant.name} {variant.version} makes {VERSIONS[variant.spec_minor]}; choose another one with --to"
