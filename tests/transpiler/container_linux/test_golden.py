"""Our answers to the golden cases are ct's: the same values, and the same entries of the report."""

from __future__ import annotations

import pytest

from tests.transpiler.container_linux.golden import CASES, Case, cases, comparable, ours


@pytest.fixture(autouse=True)
def _in_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    assert comparable(ours(case.text, case.options, case.dialect)) == comparable(case.answer)
