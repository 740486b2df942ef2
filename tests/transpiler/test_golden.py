"""Golden pairs: equal in verdict, output and report."""

from __future__ import annotations

import pytest

from tests.transpiler.golden import FILES, Pair, comparable, ours, pairs, report, unpacked

ALL = [*pairs("probes.jsonl"), *pairs("golden.jsonl")]
DRAWN = [pair for pair in ALL if pair.drawn is not None]


def name_of(pair: Pair) -> str:
    return pair.name


@pytest.fixture(autouse=True)
def _in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)


@pytest.mark.parametrize("pair", ALL, ids=name_of)
def test_verdict_output_and_report_are_butanes(pair: Pair) -> None:
    result = ours(pair)
    assert comparable(report(result, raw=True)) == comparable(pair.report)
    assert unpacked(f"{result.json}\n" if not result.error else "") == unpacked(pair.output)
    assert bool(result.error) == bool(pair.exit)


@pytest.mark.parametrize("pair", DRAWN, ids=name_of)
def test_the_drawn_report_is_butanes(pair: Pair) -> None:
    drawn = report(ours(pair), raw=False)
    assert sorted(comparable(drawn)) == sorted(comparable(pair.drawn or ""))


@pytest.mark.parametrize("pair", ALL, ids=name_of)
def test_people_are_told_why(pair: Pair) -> None:
    result = ours(pair)
    assert "Traceback" not in result.render()
    if pair.exit and not pair.args.count("--strict"):
        assert any(problem.fatal for problem in result.problems)
