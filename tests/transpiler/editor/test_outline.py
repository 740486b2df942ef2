"""The outline and the folds of a text."""

from __future__ import annotations

from collections.abc import Iterable

from tests.transpiler.editor import HEAD
from transpiler.editor.document import OpenDocument
from transpiler.editor.outline import Symbol, folds, symbols

TEXT = (
    HEAD
    + """\
storage:
  files:
    - path: /a
      contents: {inline: x}
systemd:
  units:
    - name: a.service
      contents: |
        [Unit]

        [Service]

    - name: b.service
      dropins:
        - name: c.conf
"""
)


def tree(found: Iterable[Symbol]) -> list[object]:
    return [(one.name, tree(one.inner)) if one.inner else one.name for one in found]


def test_symbols() -> None:
    assert tree(symbols(OpenDocument(TEXT))) == [
        "variant",
        "version",
        ("storage", [("files", ["/a"])]),
        ("systemd", [("units", ["a.service", ("b.service", [("dropins", ["c.conf"])])])]),
    ]


def test_a_name_is_inside_its_entry() -> None:
    waiting = [*symbols(OpenDocument(TEXT))]
    while waiting:
        one = waiting.pop()
        assert one.span.start <= one.name_span.start <= one.name_span.end <= one.span.end
        assert all(one.span.start <= inner.span.start and inner.span.end <= one.span.end for inner in one.inner)
        waiting += one.inner


def test_folds() -> None:
    assert {(3, 6), (5, 6), (7, 17), (9, 13), (10, 13), (15, 17)} <= set(folds(OpenDocument(TEXT)))


def test_odd_texts_have_none() -> None:
    for text in ("", "a", "[", "- a", "{a: b}", "? [a]: b\n"):
        assert folds(OpenDocument(text)) == []
        symbols(OpenDocument(text))
    deep = OpenDocument(HEAD + "a: " + "[" * 5000 + "]" * 5000)
    assert folds(deep) == []
    assert len(symbols(deep)) == 3
