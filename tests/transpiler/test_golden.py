"""Golden cases: verdict, output and report equal Butane's."""

from __future__ import annotations

import pytest

from tests.transpiler.golden import FILES, Case, cases, comparable, comparable_lines, our_answer, ours, report

ALL = cases()
WITH_EXCERPTS = [case for case in ALL if case.excerpts]


def name_of(case: Case) -> str:
    return case.name


@pytest.fixture(autouse=True)
def _in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)


@pytest.mark.parametrize("case", ALL, ids=name_of)
def test_verdict_output_and_report_equal_butane(case: Case) -> None:
    result = ours(case.text, case.options)
    assert comparable(our_answer(result)) == comparable(case.answer)
    assert "Traceback" not in result.render()
    if result.failed and "--strict" not in case.options:
        assert any(problem.fatal for problem in result.problems)


@pytest.mark.parametrize("case", WITH_EXCERPTS, ids=name_of)
def test_the_report_with_excerpts_equals_butane(case: Case) -> None:
    shown = report(ours(case.text, case.options), raw=False)
    assert sorted(comparable_lines(shown)) == sorted(comparable_lines(case.excerpts))


def test_lints_change_no_verdict() -> None:
    """All lints give warnings, except one: a second document, which Butane ignores, is an error."""
    assert [case.name for case in ALL if not linted_as_butane(case)] == []


def linted_as_butane(case: Case) -> bool:
    """Whether a case has the same verdict and output with lints and without."""
    options = tuple(option for option in case.options if option != "--strict")
    butane, own = ours(case.text, options), ours(case.text, options, butane_paths=False)
    if any(problem.rule == "second-document" for problem in own.problems):
        return True
    return (bool(own.error), own.json) == (bool(butane.error), butane.json)
