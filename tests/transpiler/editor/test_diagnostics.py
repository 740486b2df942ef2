"""An editor shows what `transpile` finds, at the same place."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config.problems import Position
from tests.transpiler.editor import HEAD
from tests.transpiler.mistakes import FOLDER, mistakes
from transpiler.editor.diagnostics import diagnostics
from transpiler.editor.document import OpenDocument, TextRange
from transpiler.translation_state import TranspileOptions


def test_mistakes_have_their_cause_place_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for mistake in mistakes():
        monkeypatch.chdir(FOLDER / mistake.name)
        raw = (FOLDER / mistake.name / "case.bu").read_bytes()
        document = OpenDocument(raw.decode("utf-8", "surrogateescape"), TranspileOptions(files_dir="files"))
        found = [one for one in diagnostics(document) if mistake.cause in one.message]
        line, column = map(int, mistake.place.split(":"))
        assert any(one.span.start[:2] == (line, column) and mistake.remedy in one.message for one in found), (
            mistake.name
        )
        assert all(one.span.start < one.span.end for one in found), mistake.name


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("storage: {files: [{path: /a, mode: 644}]}\n", (3, 36), (3, 39)),
        ("storage: {files: [{path: 'a b'}]}\n", (3, 26), (3, 31)),
        ("storag: {}\n", (3, 1), (3, 7)),
        ("storage:\n  files:\n    - {mode: 0644}\n", (5, 7), (5, 13)),
        (
            "systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Unti]\n        A=b\n",
            (7, 9),
            (7, 15),
        ),
        ("a: [\n", (4, 1), (4, 2)),
    ],
)
def test_spans(text: str, start: tuple[int, int], end: tuple[int, int]) -> None:
    spans = [one.span for one in diagnostics(OpenDocument(HEAD + text))]
    assert TextRange(Position(*start), Position(*end)) in spans, spans


def test_a_problem_in_an_included_file_is_shown_at_the_key(tmp_path: Path) -> None:
    (tmp_path / "part.bu").write_text("- path: /etc/a\n  mode: 644\n")
    document = OpenDocument(HEAD + "storage:\n  files: !include part.bu\n", TranspileOptions(files_dir=tmp_path))
    (found,) = diagnostics(document)
    assert found.span == TextRange(Position(4, 3), Position(4, 8))
    assert "part.bu:2:9: unreasonable mode" in found.message


def test_an_empty_text() -> None:
    assert [one.rule for one in diagnostics(OpenDocument(""))] == ["variant"]


def test_silenced_rules() -> None:
    text = HEAD + "storage: {files: [{path: /etc/a, mode: 644}]}\n"
    assert diagnostics(OpenDocument(text, TranspileOptions(ignore=["decimal-mode"]))) == []
