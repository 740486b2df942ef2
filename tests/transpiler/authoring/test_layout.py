"""White space has one form; values and comments stay."""

from __future__ import annotations

import pytest

from transpiler.authoring.layout import LayoutUnknown, laid_out

FORMS = [
    ("a:   1\nb  : 2\n", "a: 1\nb: 2\n"),
    ("a:\n    b: 1\n", "a:\n  b: 1\n"),
    ("a:\n- b: 1\n  c: 2\n", "a:\n  - b: 1\n    c: 2\n"),
    ("a:\n- b:\n  - c\nd: 1\n", "a:\n  - b:\n      - c\nd: 1\n"),
    ("a:\n  -   b: 1\n      c: 2\n", "a:\n  - b: 1\n    c: 2\n"),
    ("a:\n    - - b\n      - c\n", "a:\n  - - b\n    - c\n"),
    ("a:\n   -\n      b: 1\n", "a:\n  -\n    b: 1\n"),
    ("a:\n      &x\n      b: 1\n", "a:\n  &x\n  b: 1\n"),
    ("\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
    ("a: 1  \n# c  \n", "a: 1\n# c\n"),
    ("a: 1", "a: 1\n"),
    ("a: |\n      x\n\n        y\n\n\nb: 1\n", "a: |\n  x\n\n    y\n\nb: 1\n"),
    ("a: |\n x\n", "a: |\n  x\n"),
    ("a: |\n  x", "a: |\n  x"),
    ("a: |\n   x\n ", "a: |\n  x\n"),
    ("a: |+\n  x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
    ("a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n"),
    ("a:\n    b: |1\n       x\n", "a:\n  b: |1\n     x\n"),
    ("a:\n- |2\n    x\n", "a:\n  - |2\n      x\n"),
    ("a: >-\n    x\n    \n    y\n", "a: >-\n  x\n\n  y\n"),
    ("a: |\n  x\n     \n", "a: |\n  x\n     \n"),
    ("a: b\n      c\n", "a: b\n  c\n"),
    ('a: "b  \n\n c"\n', 'a: "b  \n\n  c"\n'),
    ("a:\n    b: [c,\n        d]\n", "a:\n  b: [c,\n      d]\n"),
    ("a: [\n  b,  # c\n\n]\n", "a: [\n  b,  # c\n\n]\n"),
    (
        "a:\n      # one\n      b: 1\n      # two\n   # three\n# four\nc: 1\n",
        "a:\n  # one\n  b: 1\n  # two\n# three\n# four\nc: 1\n",
    ),
    ("a:\n- b\n# c\n", "a:\n  - b\n  # c\n"),
    ("--- # x\na: 1\n", "--- # x\na: 1\n"),
    ("%YAML 1.1\n---\na: 1\n", "%YAML 1.1\n---\na: 1\n"),
    ("a:\t1\n", "a: 1\n"),
    ("  a: 1\n  b: 2\n", "a: 1\nb: 2\n"),
    ("a: !tag  x\nb:   *c\n", "a: !tag  x\nb: *c\n"),
]


@pytest.mark.parametrize(("before", "after"), FORMS)
def test_forms(before: str, after: str) -> None:
    assert laid_out(before) == after
    assert laid_out(after) == after


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 2\n", "---\na: 1\n...\n---\nb: 2\n", "? a\n: b\n", "|\n  a\n"])
def test_texts_that_stay(text: str) -> None:
    with pytest.raises(LayoutUnknown):
        laid_out(text)
