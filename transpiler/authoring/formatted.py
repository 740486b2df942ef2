"""A config in its canonical form, which means the same and has the same comments.

Besides white space (see `layout`), `true` and `false` are written in place of YAML 1.1's other words for them, which
other programs take for texts, and modes as `0644` in place of `0o644`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.json_text.decode import parse_version
from provision.config.model import Field, Record
from transpiler.authoring.layout import LayoutUnknown, laid_out
from transpiler.authoring.text_edits import Edit, apply_edits
from transpiler.butane.variants import table
from transpiler.reading.scalars import converted, resolved
from transpiler.reading.tree import parse_yaml
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlError

_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")


class Formatted(NamedTuple):
    """A text in its canonical form. If `reason` is not empty, it says why the text was left as it is.

    `invalid` says that the text is not YAML.
    """

    raw: bytes
    reason: str = ""
    invalid: bool = False


def formatted(raw: bytes) -> Formatted:
    """The text in its canonical form. A text whose meaning would change is left as it is."""
    try:
        before = parse_yaml(raw)
        return Formatted(_canonical(raw.decode().removeprefix("\ufeff"), before))
    except YamlError as error:
        return Formatted(raw, error.problem.message, invalid=True)
    except UnicodeDecodeError:
        return Formatted(raw, "it is not UTF-8")
    except LayoutUnknown as unknown:
        return Formatted(raw, str(unknown))


def _canonical(text: str, before: YamlNode | None) -> bytes:
    if before is None or before.kind not in {"mapping", "sequence"}:
        raise LayoutUnknown("it is neither a mapping nor a list")
    if _ODD_BREAKS.search(text):
        raise LayoutUnknown("it has line breaks that only YAML 1.1 knows")
    edits = {(one.line, one.start): one for one in _value_edits(before)}
    plain = apply_edits(text.encode(), edits.values()).decode()
    made = laid_out(plain.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        same = _same_tree(before, parse_yaml(made.encode()), edits)
    except YamlError:
        same = False
    if not same or "".join(plain.split()) != "".join(made.split()):
        raise LayoutUnknown("its canonical form would have another meaning; please report this with the config")
    return made.encode()


def _value_edits(root: YamlNode) -> Iterator[Edit]:
    """The edits of values that have another canonical spelling. Without a known variant, the fields are not known."""
    entries = root.items if root.kind == "mapping" else ()
    head = {key.text: value.text for key, value in entries if value.kind == "scalar"}
    variant = table().get((head.get("variant", ""), parse_version(head.get("version", "")) or ""))
    if variant is not None:
        yield from _in_record(root, variant.record)


def _in_record(node: YamlNode, record: type[Record]) -> Iterator[Edit]:
    fields = {field.name: field for field in record.FIELDS}
    for key, value in node.items if node.kind == "mapping" and not node.file else ():
        field = fields.get(key.text)
        if field is None:
            continue
        if field.record is not None:
            for one in value.items if field.many and value.kind == "sequence" else (value,):
                yield from _in_record(one, field.record)
        elif not field.many:
            yield from _of_scalar(value, field)


def _of_scalar(node: YamlNode, field: Field) -> Iterator[Edit]:
    text = node.text
    if node.kind != "scalar" or not node.plain or node.file or node.end != (node.line, node.column + len(text)):
        return  # with an anchor, an alias may use it as a text
    if field.scalar is bool:
        value = converted(resolved(node)[1], bool)
        text = ("true" if value else "false") if isinstance(value, bool) else text
    elif field.is_mode and re.fullmatch(r"0o[0-7]{1,6}", text):
        text = f"0{text[2:]}"
    if text != node.text:
        yield Edit(node.line, node.end[1] - len(node.text), node.end[1], text)


def _same_tree(before: YamlNode, after: YamlNode | None, edits: dict[tuple[int, int], Edit]) -> bool:
    """Whether two trees have the same values, besides those that were edited."""
    waiting: list[tuple[YamlNode, YamlNode | None]] = [(before, after)]
    compared: set[int] = set()
    while waiting:
        one, other = waiting.pop()
        if id(one) in compared:
            continue
        compared.add(id(one))
        if other is None or (one.kind, one.tag, one.plain, len(one.items)) != (
            other.kind,
            other.tag,
            other.plain,
            len(other.items),
        ):
            return False
        edit = edits.get((one.line, one.end[1] - len(one.text)))
        if other.text != (edit.text if edit is not None and one.kind == "scalar" else one.text):
            return False
        if one.kind == "mapping":
            for pair, other_pair in zip(one.items, other.items, strict=True):
                waiting.extend(zip(pair, other_pair, strict=True))
        else:
            waiting.extend(zip(one.items, other.items, strict=True))
    return True
