"""Reports about typical mistakes of authors: the cause, the place and the remedy."""

from __future__ import annotations

import pytest

from tests.transpiler.mistakes import FOLDER, Mistake, mistakes

ALL = mistakes()


@pytest.mark.parametrize("mistake", ALL, ids=[one.name for one in ALL])
def test_the_report_equals_the_stored_one(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER / mistake.name)
    assert mistake.result().render() == (FOLDER / mistake.name / "case.report").read_text()


def test_causes_places_and_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {}
    for mistake in ALL:
        monkeypatch.chdir(FOLDER / mistake.name)
        scores[mistake.name] = mistake.score()
    causes, places, remedies = (sum(column) for column in zip(*scores.values(), strict=True))
    assert causes == len(ALL), [name for name, (cause, _, _) in scores.items() if not cause]
    assert places == len(ALL), [name for name, (_, place, _) in scores.items() if not place]
    assert remedies == len(ALL), [name for name, (_, _, remedy) in scores.items() if not remedy]


def test_one_mistake_gives_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second finding would be wrong, or repeat the first."""
    several = {}
    for mistake in ALL:
        monkeypatch.chdir(FOLDER / mistake.name)
        several[mistake.name] = len(mistake.result().findings())
    assert {name for name, count in several.items() if count != 1} <= {"typographic-quotes", "link-source"}
