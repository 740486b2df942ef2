"""A formatted config has the same meaning and comments, and formatting it again changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.transpiler.authoring.yaml_texts import texts
from tests.transpiler.golden import FILES, Case, cases, ours
from transpiler.authoring.formatted import formatted

HEAD = "variant: fcos\nversion: 1.5.0\n"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts())
def test_every_text_that_is_yaml_has_a_form(text: str) -> None:
    made = formatted(text.encode())
    assert made.invalid or not made.reason
    assert formatted(made.raw).raw == made.raw


def test_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)
    assert [case.name for case in cases() if not _has_the_same_result(case)] == []


def _has_the_same_result(case: Case) -> bool:
    made = formatted(case.text)
    if made.raw == case.text:
        return True
    before, after = (ours(raw, case.options) for raw in (case.text, made.raw))
    same = (after.json, after.error, len(after.problems)) == (before.json, before.error, len(before.problems))
    return same and formatted(made.raw).raw == made.raw


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "storage: {files: [{path: /a, mode: 0o644, overwrite: yes}]}",
            "storage: {files: [{path: /a, mode: 0644, overwrite: true}]}",
        ),
        (
            "systemd: {units: [{name: on, enabled: On, mask: n}]}",
            "systemd: {units: [{name: on, enabled: true, mask: false}]}",
        ),
        ("storage: {directories: [{path: /a, mode: 0o1777}]}", "storage: {directories: [{path: /a, mode: 01777}]}"),
    ],
)
def test_values(before: str, after: str) -> None:
    assert formatted(f"{HEAD}{before} # c\n".encode()).raw.decode() == f"{HEAD}{after} # c\n"


@pytest.mark.parametrize(
    "line",
    [
        "storage: {files: [{path: /a, mode: 420, overwrite: 'yes'}]}",
        "storage: {files: [{path: /a, overwrite: &x yes, contents: {inline: *x}}]}",
        "passwd: {users: [{name: yes, gecos: 0o644}]}",
        "storage: {files: [{path: /a, mode: !!int 0o644}]}",
    ],
)
def test_values_that_stay(line: str) -> None:
    assert formatted(f"{HEAD}{line}\n".encode()).raw.decode() == f"{HEAD}{line}\n"


def test_line_breaks_and_byte_order_mark() -> None:
    assert formatted(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n").raw == b"a: 1\nb: |\n  x\n"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"a: [\n", "did not find"),
        (b"a\n", "neither a mapping nor a list"),
        (b"", "neither a mapping nor a list"),
        ("a: 1\n".encode("utf-16"), "not UTF-8"),
        ("a: 'b\u2028 c'\n".encode(), "line breaks"),
        (b"? a\n: b\n", "key"),
    ],
)
def test_texts_that_stay(raw: bytes, reason: str) -> None:
    made = formatted(raw)
    assert made.raw == raw
    assert reason in made.reason
    assert made.invalid == (b"[" in raw)


def test_deep_nesting() -> None:
    raw = b"a: " + b"[" * 1000 + b"]" * 1000 + b"\n"
    assert formatted(raw).raw == raw


def test_a_part_that_is_a_list_has_a_form() -> None:
    part = b"-   name: a.service\n    dropins:\n    - name:  b.conf # c\n"
    assert formatted(part).raw == b"- name: a.service\n  dropins:\n    - name: b.conf # c\n"
