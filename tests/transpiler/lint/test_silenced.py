"""Comments that silence warnings."""

from __future__ import annotations

import pytest

from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("foo: 1\n", 1),
        ("foo: 1 # transpile: ignore=unused-key\n", 0),
        ("foo: 1 #transpile: ignore = x, unused-key\n", 0),
        ("foo: 1 # transpile: ignore=unused-keys\n", 1),
        ("# transpile: ignore=unused-key\n\n# and why\nfoo: 1\nbar: 1\n", 1),
        ("foo: 1\nbar: 1\n# transpile: ignore-file=unused-key\n", 0),
        ("foo: '# transpile: ignore-file=x'\n", 1),
        ("# transpile: ignore=relative-path\nstorage: {files: [{path: a}]}\n", 1),
    ],
)
def test_a_comment_silences_warnings_of_its_line(text: str, left: int) -> None:
    assert len(transpile((HEAD + text).encode()).problems) == left


def test_strict_ignores_silenced_warnings() -> None:
    text = (HEAD + "foo: 1 # transpile: ignore=unused-key\n").encode()
    assert not transpile(text, TranspileOptions(strict=True)).error
    assert transpile(text, TranspileOptions(strict=True, butane_paths=True)).error
    assert not transpile((HEAD + "foo: 1\n").encode(), TranspileOptions(strict=True, ignore=["unused-key"])).error


def test_a_comment_inside_a_unit_applies_to_its_next_line() -> None:
    unit = "[Unit]\n{0}[Servce]\nExecStart=/bin/true\n"
    text = HEAD + "systemd:\n  units:\n    - name: a.service\n      contents: |\n"
    for comment, left in (("", 1), ("# transpile: ignore=unit-section\n", 0)):
        block = "".join(f"        {line}\n" for line in unit.format(comment).splitlines())
        assert len(transpile((text + block).encode()).problems) == left
