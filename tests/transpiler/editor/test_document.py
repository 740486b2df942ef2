"""Places of YAML and of editors are the same characters, whatever ends a line and however wide a character is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.problems import Position
from tests.transpiler.editor import HEAD
from transpiler.editor.document import EditorPosition, OpenDocument, node_under

TEXTS = st.text(alphabet="ab:- #\n\r\x0c\x85\u2028\u2029\ufeff\u00e9\U0001f600", max_size=30)


@given(TEXTS, st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_every_place_comes_back(text: str, encoding: str) -> None:
    document = OpenDocument(text, encoding=encoding)
    for number, line in enumerate(document.lines, 1):
        for column in range(1, len(line) + 2):
            at = Position(number, column)
            assert document.position(*document.editor_position(at)) == at


@pytest.mark.parametrize(
    ("text", "at", "place"),
    [
        ("a: \U0001f600 b", Position(1, 6), (0, 6)),
        ("a\u2028b: c", Position(2, 1), (0, 2)),
        ("a\r\nb", Position(2, 2), (1, 1)),
        ("\ufeffab", Position(1, 2), (0, 2)),
        ("a\n", Position(99, 99), (1, 0)),
    ],
)
def test_places_of_editors(text: str, at: Position, place: EditorPosition) -> None:
    assert OpenDocument(text).editor_position(at) == place


def test_a_place_outside_the_text_is_the_nearest_one_inside() -> None:
    document = OpenDocument("ab\ncd")
    assert document.position(0, 99) == Position(1, 3)
    assert document.position(99, 99) == Position(2, 3)


def test_the_variant_is_known_while_the_text_is_not_yaml() -> None:
    document = OpenDocument(HEAD + "storage: [\n")
    assert document.root is None
    assert document.variant is not None
    assert document.variant.version == "1.5.0"


def test_a_lone_surrogate_is_checked() -> None:
    assert OpenDocument("variant: \ud800").result.failed


def test_the_node_under_a_cursor() -> None:
    document = OpenDocument(
        HEAD + "storage:\n  files:\n    - path: /a\n      contents:\n        inline: |\n          x\n"
    )
    found = node_under(document, Position(5, 14))
    assert found is not None
    assert (found.path, found.node.text, found.is_key) == (("storage", "files", 0, "path"), "/a", False)
    key, block = node_under(document, Position(5, 7)), node_under(document, Position(8, 11))
    assert key is not None
    assert key.is_key
    assert block is not None
    assert block.path[-1] == "inline"
    assert node_under(document, Position(5, 1)) is None
