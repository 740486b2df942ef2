"""Scalars as yaml.v3 reads them: their tags, and their values as texts, numbers or booleans.

PyYAML's own resolution is not used: it reads `0o644` as text. Source: yaml.v3 `resolve.go`, `decode.go`.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlError, shortened

ABSENT: Any = object()
"""The value of null: it means the same as a missing key."""


def short_tag(node: YamlNode) -> str:
    """The tag as it is written, with `!!` for the tags of YAML; empty if there is none."""
    tag = node.tag
    return "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:yaml.org,2002:") else tag


def tag_of(node: YamlNode) -> str:
    """The tag of a node: the written tag, else the tag that follows from its value."""
    if node.tag not in {"", "!"}:
        return short_tag(node)
    if node.kind != "scalar":
        return "!!map" if node.kind == "mapping" else "!!seq"
    if not node.plain:
        return "!!str"
    return "!!merge" if node.text == "<<" else resolve_plain(node.text)[0]


def is_null(node: YamlNode) -> bool:
    """Whether a node, or the node that it is an alias of, is null."""
    if node.kind == "alias":
        return is_null(node.items[0])
    return node.kind == "scalar" and node.plain and node.tag in _NULL_TAGS and node.text in _NULLS


_NULL_TAGS = frozenset({"", "!", "tag:yaml.org,2002:null"})
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_YAML_1_1_BOOLEANS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_RESOLVABLE = {"!!bool", "!!int", "!!float", "!!null", "!!timestamp"}


def text_of(node: YamlNode) -> Any:
    """A scalar as a text: decoded if it has the tag `!!binary`, else as written; ABSENT for null. Raises YamlError."""
    if not node.tag:
        return ABSENT if node.plain and node.text in _NULLS else node.text
    _, value = resolved(node)
    if value is None:
        return ABSENT
    return value if short_tag(node) == "!!binary" else node.text


def resolved(node: YamlNode) -> tuple[str, Any]:
    """Tag and value of a scalar. Raises YamlError if the value does not match a written tag."""
    tag = "" if node.tag == "!" else short_tag(node)
    if tag == "!!str" or (not tag and not node.plain):
        return "!!str", node.text
    if tag == "!!binary":
        return tag, _from_base64(node)
    if tag and tag not in _RESOLVABLE:
        return tag, node.text
    found, value = resolve_plain(node.text)
    if tag == "!!float" and found == "!!int":
        return tag, float(value)
    if tag and tag != found:
        message = f"cannot decode {found} as a {tag}"
        raise YamlError(message, node.at, yaml_v3=f"yaml: cannot decode {found} `{shortened(node.text)}` as a {tag}")
    return found, value


def _from_base64(node: YamlNode) -> str:
    try:
        raw = base64.b64decode(node.text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        message = "!!binary value contains invalid base64 data"
        raise YamlError(message, node.at, yaml_v3=f"yaml: {message}") from None
    return raw.decode("utf-8", "surrogateescape")


def converted(value: Any, kind: type) -> Any:
    """A resolved value converted to `kind` (bool or int); None if that is impossible."""
    if kind is bool:
        return value if type(value) is bool else _YAML_1_1_BOOLEANS.get(value) if type(value) is str else None
    if type(value) is int and -(1 << 63) <= value < 1 << 63:
        return value
    if type(value) is float and -float(1 << 63) < value < float(1 << 63):
        return int(value)
    return None


def natural(node: YamlNode) -> Any:
    """The value of a scalar according to its own tag, not to a declared type. Raises YamlError."""
    tag, value = resolved(node)
    return node.text if tag in {"!!timestamp", "!!merge"} else value


_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = re.compile(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[oO]?([0-7]+)|[bB]([01]+))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])"
    r"([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_NAMED: dict[str, tuple[str, Any]] = {
    **dict.fromkeys(("true", "True", "TRUE"), ("!!bool", True)),
    **dict.fromkeys(("false", "False", "FALSE"), ("!!bool", False)),
    **dict.fromkeys(_NULLS, ("!!null", None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), ("!!float", float("nan"))),
    **{sign + name: ("!!float", float("inf")) for sign in ("", "+") for name in (".inf", ".Inf", ".INF")},
    **{"-" + name: ("!!float", float("-inf")) for name in (".inf", ".Inf", ".INF")},
}


def resolve_plain(text: str) -> tuple[str, Any]:
    """Tag and value of an unquoted scalar. The value of a timestamp is its text."""
    if text in _NAMED:
        return _NAMED[text]
    if not text or text[0] not in "+-.0123456789":
        return "!!str", text
    if _TIMESTAMP.fullmatch(text):
        return "!!timestamp", text
    plain = text if text[0] == "." else text.replace("_", "")
    number = _whole_number(plain) if text[0] != "." else None
    if number is not None:
        return "!!int", number
    if _FLOAT.fullmatch(plain):
        value = float(plain)
        if value not in {float("inf"), float("-inf")}:
            return "!!float", value
    return "!!str", text


def _whole_number(plain: str) -> int | None:
    """A whole number that fits into a signed or unsigned 64-bit integer, in any base that Go reads; else None."""
    number: int | None = None
    if _DECIMAL.fullmatch(plain):
        number = int(plain) if len(plain) < 24 else None
    elif match := _BASED.fullmatch(plain):
        sign, sixteen, eight, two = match.groups()
        digits, base = next((text, base) for text, base in ((sixteen, 16), (eight, 8), (two, 2)) if text)
        number = int(sign + digits, base) if len(digits) < 100 else None
    if number is None or number < -(1 << 63) or number >= 1 << 64:
        return None
    return None if number >= 1 << 63 and plain.startswith("+") else number
