"""The parser in Python gives libyaml's events, places and messages: for all texts of the golden cases and mistakes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml

from tests.transpiler.golden import cases
from transpiler.reading.yaml_parser import parse_events, scan_tokens, words_of_libyaml

MISTAKES = sorted((Path(__file__).parents[1] / "mistakes").rglob("*.bu"))

OTHER_ERRORS = {
    b'a: "\\q"\n': "libyaml gives the place of the backslash, the parser in Python that of the letter after it",
    b'a: "\\ud800"\n': "libyaml gives the place of the escape, here it is that of the text",
    b"a: b\n\tc: d\n": "libyaml names the tab in a longer text, the parser in Python the tab as the begin of a new one",
    b"a: [b?c]\n": "libyaml allows a question mark in a plain text between brackets",
    b"%YAML x\n---\na: b\n": "other words for a number that is missing",
}
"""Texts with other errors, and what differs. All are rare, and none gives a config in place of an error."""

OTHER_CASES = {"yaml/dq-escape-bad", "yaml/unicode-surrogate", "mistake tab-indentation"}
"""The texts of the corpus with the first three."""


def parsed(text: bytes, *, pure: bool) -> tuple[list[Any], Any]:
    """What the tree is made of, and the error at the end (None if there is none)."""
    events = []
    try:
        for event in parse_events(text, pure=pure):
            known = [type(event), getattr(event, "tag", None) or "", getattr(event, "anchor", None)]
            if isinstance(event, yaml.ScalarEvent):
                known += [event.value, not event.style, *line_and_column(event.end_mark)]
            if not isinstance(event, (yaml.CollectionEndEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)):
                known += [*line_and_column(event.start_mark)]
            events.append(known)
    except yaml.reader.ReaderError as error:
        return [], (error.reason, error.position)  # libyaml gives some events first
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return events, (type(error), error.problem, mark and line_and_column(mark))
    return events, None


def line_and_column(mark: Any) -> tuple[int, int]:
    """The place of a mark, counted from 0."""
    return mark.line, mark.column


def test_events_and_errors_over_the_corpus() -> None:
    texts = {case.name: case.text for case in cases()} | {
        f"mistake {path.parent.name}": path.read_bytes() for path in MISTAKES
    }
    assert len(texts) > 400
    assert {name for name, text in texts.items() if parsed(text, pure=True) != parsed(text, pure=False)} == OTHER_CASES


@pytest.mark.parametrize("text", OTHER_ERRORS)
def test_other_errors(text: bytes) -> None:
    ours, theirs = parsed(text, pure=True), parsed(text, pure=False)
    assert ours[1] is not None, "an error"
    assert ours != theirs, "no longer a difference: take it out of the table"


@pytest.mark.parametrize(
    "text",
    [
        b"a:\tb\n",
        b"a: b\tc\t\n",
        b"a: b \t # c\n",
        b"a: b\t\n  c\n",
        b"a\tb: c\n",
        b"[a,\tb]",
        "\ufeffa: \u00e4\x01b\n".encode(),
        "\u00e4\x85- \u2028a: [\n".encode(),
        "a: b\n".encode("utf-16"),
        b"a: b\n\xc3",
        b"",
    ],
)
def test_tabs_line_breaks_and_encodings(text: bytes) -> None:
    assert parsed(text, pure=True) == parsed(text, pure=False)


def test_tokens() -> None:
    for text in ("a: [b, 'c']\n", "a: 'b\nc\n", "- !x &a b\n- *a\n"):
        assert scanned(text, pure=True) == scanned(text, pure=False)


def scanned(text: str, *, pure: bool) -> list[Any]:
    """The kinds and places of tokens, and the problem and its context at the end."""
    found: list[Any] = []
    try:
        tokens = scan_tokens(text, pure=pure)
        found.extend((type(one), one.start_mark.line, one.start_mark.column) for one in tokens)
    except yaml.MarkedYAMLError as error:
        found.append(error.problem)
    return found


def test_problems_that_are_not_in_the_table_stay() -> None:
    assert (
        words_of_libyaml("could not find expected ':'", "while scanning a simple key") == "could not find expected ':'"
    )


def test_pyyaml_without_libyaml_gives_the_same_reports() -> None:
    """In a fresh interpreter in which the extension cannot be imported, as in a browser."""
    program = (
        "import sys, yaml\n"
        "from transpiler import transpile\n"
        "print(yaml.__with_libyaml__, file=sys.stderr)\n"
        "for name in sys.argv[1:]: result = transpile(open(name, 'rb').read()); print(result.json, result.render())\n"
    )
    without = "import sys; sys.modules['yaml._yaml'] = None\n"
    examples = sorted(str(path) for path in (Path(__file__).parents[3] / "examples").glob("*.yaml"))
    names = [*examples, *map(str, MISTAKES)]
    runs = [
        subprocess.run([sys.executable, "-c", start + program, *names], capture_output=True, text=True, check=True)
        for start in (without, "")
    ]
    assert [run.stderr.strip() for run in runs] == ["False", "True"]
    assert runs[0].stdout == runs[1].stdout


def lines_for(text: str) -> int:
    """The lines of Python that the parser in Python runs for a text."""
    count = 0

    def traced(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        scanned(text, pure=True)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("form", ["[", "{a: ", "a: [\n", "- "])
def test_the_work_grows_with_the_text_not_with_its_square(form: str) -> None:
    assert lines_for(form * 800) < 3 * lines_for(form * 400)
