"""Hostile and broken texts always get an answer within seconds."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from provision.config.json_text import parse as machine
from provision.config.schema import format_schema
from provision.config.validate import validate
from tests.transpiler.golden import FILES, cases
from tests.transpiler.strategies import configs, mistakes
from transpiler.butane.variants import table
from transpiler.phases import transpile
from transpiler.reading.tree import MAX_BYTES
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

pytestmark = pytest.mark.slow

HEAD = b"variant: fcos\nversion: 1.6.0\n"
LEVELS = b"".join(
    b"%c: &%c [%s]\n" % (97 + level, 97 + level, b",".join([b"*%c" % (96 + level)] * 9) if level else b"x")
    for level in range(20)
)
REFUSED = {
    "brackets": (HEAD + b"a: " + b"[" * 1_000_000, "deeper than 10000"),
    "braces": (HEAD + b"a: " + b"{" * 1_000_000, "deeper than 10000"),
    "dashes": (HEAD + b"a:\n" + b"- " * 100_000 + b"x\n", "deeper than 10000"),
    "merges": (HEAD + b"passwd: " + b"{<<: " * 5000 + b"{}" + b"}" * 5000 + b"\n", "nested too deeply"),
    "merge of itself": (HEAD + b"passwd: &a {<<: *a}\n", "merge themselves"),
    "groups": (
        HEAD + b"g: &g [" + b",".join(b"g%d" % number for number in range(1000)) + b"]\npasswd:\n  users: ["
        + b",".join(b"{name: u%d, groups: *g}" % number for number in range(3000)) + b"]\n",
        "excessive aliasing",
    ),
    "no utf-8": (HEAD + b"a: \xff\n", "UTF-8"),
    "nul": (HEAD + b"a: \0\n", "control character"),
    "noise": (bytes(range(256)), "control character"),
    "much": (HEAD + b"#" * (50 << 20), "larger than 32 MiB"),
    "tab": (HEAD + b"passwd:\n\tusers: []\n", "spaces, never with tabs"),
    "long number": (HEAD + b"storage: {files: [{path: /a, mode: " + b"9" * 1_000_000 + b"}]}\n", "whole number"),
    **{
        f"number {text}": (HEAD + b"passwd: {users: [{uid: %s}]}\n" % text.encode(), "does not fit into 64 bits")
        for text in ("1e30", "9223372036854775808", "99999999999999999999", ".inf", ".nan")
    },
}  # fmt: skip
ACCEPTED = {
    "levels of aliases": LEVELS + HEAD,
    "byte order mark": b"\xef\xbb\xbf" + HEAD,
    "CRLF": HEAD.replace(b"\n", b"\r\n"),
    "many documents": HEAD + b"---\n" * 10_000,
    "large block": HEAD
    + b"storage:\n files:\n  - path: /a\n    contents:\n     inline: |\n"
    + b"      aaaaaaa\n" * 500_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_too_large_or_broken_texts_are_refused_with_the_reason(name: str) -> None:
    text, reason = REFUSED[name]
    started = time.process_time()
    result = transpile(text)
    assert result.error
    assert reason in result.render()
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ACCEPTED)
def test_large_texts_below_the_limits_are_accepted(name: str) -> None:
    started = time.process_time()
    result = transpile(ACCEPTED[name])
    assert not result.error
    assert time.process_time() - started < 5


@pytest.mark.parametrize("line", [b"k%d: 1\n", b"a%d: &a%d x\n", b"passwd%d: {}\n"])
def test_many_findings_take_little_time(line: bytes) -> None:
    started = time.process_time()
    text = HEAD + b"".join(line % ((number,) * line.count(b"%")) for number in range(10_000))
    assert len(transpile(text).problems) == 10_000
    assert time.process_time() - started < 5


def test_a_text_of_exactly_the_maximum_size_is_accepted() -> None:
    assert not transpile(HEAD + b"#" * (MAX_BYTES - len(HEAD))).error


def answer(text: bytes) -> Result:
    """Our result, after all its reports were made."""
    result = transpile(text, TranspileOptions(files_dir=FILES, butane_paths=True))
    assert result.error or result.json
    for_authors = transpile(text, TranspileOptions(files_dir=FILES))
    assert bool(for_authors.error) >= bool(result.error)
    assert all(finding.at is None or min(finding.at.line, finding.at.column) >= 0 for finding in for_authors.findings())
    for shown in (
        for_authors.render(),
        result.render(color=True),
        result.render_as_butane(),
        result.render_as_butane(raw=True),
    ):
        assert isinstance(shown, str)
    return result


@cache
def published(version: int) -> Any:
    """The schema of a version of the format."""
    return Draft202012Validator(format_schema(version))


@given(st.data())
def test_any_config_gives_json_or_problems(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(list(table().values())))
    config = data.draw(mistakes(data.draw(configs(row))))
    result = transpile(json.dumps(config).encode(), TranspileOptions(files_dir=FILES, raw=True))
    if result.error:
        assert any(problem.fatal for problem in result.problems)
    else:
        validated = validate(result.json.encode())
        assert not validated.error, validated.problems
        assert validated.version == row.spec_minor
        assert not list(published(row.spec_minor).iter_errors(json.loads(result.json)))


TEXTS = [case.text for case in cases() if case.name.startswith("yaml/") and len(case.text) < 1000]
PIECES = [
    b"\t",
    b" ",
    b"\n",
    b": ",
    b"- ",
    b'"',
    b"{",
    b"]",
    b"&a ",
    b"*a",
    b"!!int ",
    b"!!binary ",
    b"<<: ",
    b"~",
    b"\xff",
    b"? ",
    b"|",
]


@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(PIECES)), max_size=4))
def test_any_text_gives_an_answer(text: bytes, pieces: list[tuple[int, bytes]]) -> None:
    for place, piece in pieces:
        text = text[:place] + piece + text[place:]
    answer(text)


def test_random_bytes_give_an_answer() -> None:
    for _ in range(200):
        answer(os.urandom(60))


def test_a_result_that_the_machine_refuses_is_a_warning(tmp_path: Path) -> None:
    """Files are embedded, so the result can be larger than every YAML text may be."""
    text = HEAD + b'storage:\n  files:\n    - path: /etc/f\n      contents: {local: f, compression: ""}\n'
    (tmp_path / "f").write_bytes(os.urandom(26 << 20))
    result = transpile(text, TranspileOptions(files_dir=tmp_path))
    assert len(result.json) > machine.MAX_BYTES
    assert [one.rule for one in result.problems] == ["config-size"]
    assert not result.failed
    assert not transpile(text, TranspileOptions(files_dir=tmp_path, butane_paths=True)).problems
