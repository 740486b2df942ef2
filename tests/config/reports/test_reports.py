"""Problems as text, JSON, annotations and SARIF."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings

from provision.config.problems import Position, Problem
from provision.config.reports.findings import Finding, findings
from provision.config.reports.formats import MOST_ROWS, as_github, as_gitlab, as_json, as_sarif, as_summary
from provision.config.reports.text import as_text, report
from provision.config.validate import validate
from tests.config.configs import texts

SARIF = json.loads((Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json").read_text())

RAW = b"""{"ignition": {"version": "3.4.0"}, "storage": {"files": [
\t{"path": "/\xc3\xa9/", "usr": 1}
]}}"""


def found(raw: bytes = RAW) -> list[Finding]:
    return findings("site.ign", raw, validate(raw).problems)


def test_text_is_one_line_each_errors_first() -> None:
    assert as_text(reversed(found())) == (
        "site.ign:2:11: error: storage.files[0].path: path is not fully simplified (hint: write /é) [unclean-path]\n"
        "site.ign:2:19: warning: storage.files[0].usr: unused key usr (hint: did you mean user?) [unused-key]\n"
    )


def test_an_excerpt_has_a_caret_under_the_place() -> None:
    lines = report("site.ign", RAW, validate(RAW).problems).splitlines()
    assert lines[1] == '     {"path": "/é/", "usr": 1}'
    assert lines[2].index("^") == lines[1].index('"/é/"')
    assert lines[5].index("^") == lines[4].index('"usr"')


def test_color_is_used_only_on_request() -> None:
    assert "\x1b[" not in as_text(found(), excerpts=True)
    assert "\x1b[1;31merror:" in as_text(found(), excerpts=True, color=True)


def test_a_long_line_is_cut_around_the_place() -> None:
    raw = b'{"ignition": {"version": "3.4.0"}, "x": "' + b"y" * 5000 + b'", "zz": 1}'
    text = report("a", raw, validate(raw).problems)
    excerpts = text.splitlines()[1::3]
    assert [len(line.strip()) for line in excerpts] == [100, 100]
    assert '"zz"' in excerpts[1]


def test_an_excerpt_of_a_long_value_takes_little_memory() -> None:
    """Configs are often one line, with contents of many MB."""
    line = '{"source": "data:;base64,' + "A" * 1_000_000 + '", "path": "x"}'
    finding = Finding("site.ign", Problem(("source",), "wrong"), Position(1, 12), line)
    tracemalloc.start()
    assert "***" in as_text([finding], excerpts=True)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_an_excerpt_hides_secret_values() -> None:
    raw = b"""{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"passwordHash": "hunter2", "x": 1}]},
 "storage": {"files": [{"path": "a", "contents": {"source": "http://u:hunter2@h/p?hunter2", "y": "a\\"b"}}]}}"""
    text = report("a", raw, validate(raw).problems)
    assert "hunter2" not in text
    assert "http://**********h/p*" in text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('"passwordHash": "hunter2", "mode": 1, "path": "/a"', '"passwordHash": "*******", "mode": 1, "path": "/a"'),
        ('"mode": 1, "passwdHash": "hunter2"', '"mode": 1, "passwdHash": "*******"'),
        ('"path": "/a", "filesystem": "root"', '"path": "/a", "filesystem": "root"'),
        ('"contents": {"source": "data:,hunter2', '"contents": {"source": "*************'),
        ('"passwordHash": ["hunter2"], "groups": ["sudo"]', '"passwordHash": ["*******"], "groups": ["sudo"]'),
        ("  password_hash: hunter2 x", "  password_hash: *********"),
        ('  contents: {inline: "hunter2", mode: 3}', '  contents: {inline: "*******", mode: 3}'),
        ("  - path: /a", "  - path: /a"),
        ("source: https://u:p@h/p?q", "source: https://****h/p**"),
    ],
)
def test_what_may_be_a_secret_is_hidden(line: str, shown: str) -> None:
    finding = Finding("a", Problem((), "x"), Position(1, 1), line)
    assert as_text([finding], excerpts=True).splitlines()[1] == f"    {shown}"


@pytest.mark.parametrize(
    ("problem", "line", "column", "shown"),
    [
        (Problem(("users", 0, "password_hash"), "x"), "- hunter2", 1, "* *******"),
        (Problem(("users", 0, "passwordHash"), "x"), '"passwordHash": 12345', 17, '"passwordHash": *****'),
        (Problem(("pasword_hash",), "x", on_key=True), "  pasword_hash: hunter2", 3, "  pasword_hash: *******"),
        (Problem(("pasword_hash",), "x", on_key=True), "  pasword_hash", 3, "  pasword_hash"),
    ],
)
def test_problems_of_secrets_do_not_show_them(problem: Problem, line: str, column: int, shown: str) -> None:
    finding = Finding("a", problem, Position(1, column), line, column - 1)
    assert as_text([finding], excerpts=True).splitlines()[1] == f"    {shown}"


def test_control_characters_do_not_reach_a_terminal() -> None:
    raw = b'{"ignition": {"version": "3.4.0"}, "\\u001b[2J": 1}'
    assert "\x1b" not in report("a", raw, validate(raw).problems)


def test_names_are_readable_in_what_programs_read() -> None:
    assert "write /é" in as_json(found())
    assert "write /é" in as_sarif(found(), "1.0")


def test_json_has_everything() -> None:
    first, second = json.loads(as_json(found()))
    assert first == {
        "file": "site.ign",
        "line": 2,
        "column": 11,
        "severity": "error",
        "rule": "unclean-path",
        "path": ["storage", "files", 0, "path"],
        "message": "path is not fully simplified",
        "hint": "write /é",
    }
    assert second["severity"] == "warning"


def test_github_gets_annotations() -> None:
    finding = Finding("a,b:c", Problem((), "100%\nx", rule="r"), Position(1, 2))
    assert as_github([finding]) == "::error file=a%2Cb%3Ac,line=1,col=2::100%25%0Ax [r]\n"


def test_sarif_names_rules_and_places() -> None:
    (run,) = json.loads(as_sarif(found(), "1"))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["unclean-path", "unused-key"]
    assert run["results"][1]["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 18}


@settings(max_examples=max(settings().max_examples // 4, 10))
@given(texts())
def test_sarif_is_valid(raw: bytes) -> None:
    jsonschema.validate(json.loads(as_sarif(found(raw), "1")), SARIF)


@given(texts())
def test_every_problem_can_be_shown(raw: bytes) -> None:
    some = found(raw)
    assert as_text(some, excerpts=True, color=True).count("\n") >= len(some)
    assert len(json.loads(as_json(some))) == len(some)
    assert as_github(some).count("\n") == len(some)


def test_gitlab_gets_fingerprints_that_do_not_depend_on_lines() -> None:
    first, second = (Finding("./a.bu", Problem(("x",), "wrong", rule="r"), Position(line, 1)) for line in (1, 7))
    moved, same = json.loads(as_gitlab([second])), json.loads(as_gitlab([first, second]))
    assert moved[0] == {
        "description": "x: wrong",
        "check_name": "r",
        "fingerprint": same[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "a.bu", "lines": {"begin": 7}},
    }
    assert same[0]["fingerprint"] != same[1]["fingerprint"]
    assert json.loads(as_gitlab([Finding("a", Problem((), "y", fatal=False))]))[0]["location"]["lines"] == {"begin": 1}


def test_a_job_summary_is_a_table_that_no_text_can_leave() -> None:
    finding = Finding("a|b.bu", Problem((), "<b>x</b> [y](z) | \n`c`", rule="r"), Position(1, 2))
    shown = as_summary([finding] * (MOST_ROWS + 2), "1 config is not valid")
    assert shown.count("\n| ") == MOST_ROWS + 1
    assert shown.endswith("\n2 more\n\n")
    row = shown.splitlines()[6]
    assert row.count("|") == 5
    assert not set("<>`[]") & set(row)
    assert as_summary([], "1 config is valid") == "### transpile check\n\n1 config is valid\n\n\n"
