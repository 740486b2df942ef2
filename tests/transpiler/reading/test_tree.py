"""Why a text cannot be read at all: the place, our message, and the one of yaml.v3."""

from __future__ import annotations

import pytest

from provision.config.problems import Position
from transpiler.reading.tree import MAX_DEPTH, parse_yaml
from transpiler.reading.yaml_problems import YamlError

DEEP = b"a:\n  " + b"[" * (MAX_DEPTH + 1)


@pytest.mark.parametrize(
    ("text", "place", "message", "yaml_v3"),
    [
        (b"*a", (1, 1), "unknown anchor 'a' referenced", "yaml: unknown anchor 'a' referenced"),
        (b"a: 1\nb:\n  - [x, *c]\n", (3, 9), "unknown anchor 'c' referenced", "yaml: unknown anchor 'c' referenced"),
        (b"%YAML 1.2\n---\n", (1, 1), "the document declares a YAML", "yaml: found incompatible YAML document"),
        (b"#\n%YAML 1.2\n---\n", (2, 1), "the document declares a", "yaml: line 1: found incompatible YAML document"),
        (DEEP, (2, 2 + MAX_DEPTH), "values are nested deeper than 10000", "yaml: exceeded max depth of 10000"),
        (b"a: 1\nb: \xff\n", (2, 4), "", "yaml: "),
        (b"\xff", (1, 1), "", "yaml: "),
        ("é: \0".encode(), (1, 4), "control characters are not allowed", "yaml: control characters are not allowed"),
    ],
)
def test_the_place_of_what_cannot_be_read(text: bytes, place: tuple[int, int], message: str, yaml_v3: str) -> None:
    with pytest.raises(YamlError) as failed:
        parse_yaml(text)
    assert failed.value.problem.at == Position(*place)
    assert failed.value.problem.message.startswith(message)
    assert failed.value.yaml_v3.startswith(yaml_v3)


def test_the_places_of_values() -> None:
    root = parse_yaml(b"a: &x\n  - 1\n  - {b: two}\nc: *x\n")
    assert root is not None
    (_, values), (_, alias) = root.items
    one, mapping = values.items
    assert [(node.line, node.column) for node in (root, values, one, mapping)] == [(1, 1), (1, 4), (2, 5), (3, 5)]
    assert one.end == (2, 6)
    assert (alias.kind, alias.line, alias.column, alias.items) == ("alias", 4, 4, [values])


def test_a_text_without_a_document_has_no_root() -> None:
    assert parse_yaml(b"") is None
    assert parse_yaml(b"# a comment\n") is None
