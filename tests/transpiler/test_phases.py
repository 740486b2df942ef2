"""The tables of phases are those in README."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provision.config.problems import Position, Problem
from transpiler.container_linux import phases as container_linux
from transpiler.phases import PHASES, transpile
from transpiler.translation_state import Phase

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize(
    ("before", "phases"),
    [("`transpiler/phases.py`:", PHASES), ("(`transpiler/container_linux/phases.py`):", container_linux.PHASES)],
    ids=["Butane", "Container Linux Config"],
)
def test_readme_shows_the_phases_in_their_order(before: str, phases: Sequence[Phase[Any]]) -> None:
    text = README.read_text("utf-8")
    shown = re.search(rf"{re.escape(before)}\n\n(.*?) -> JSON\.\n", text, re.DOTALL)
    assert shown
    assert " ".join(shown[1].split()).split(" -> ") == [phase.name for phase in phases]


HEAD = b"variant: fcos\nversion: 1.5.0\n"


def test_problems_of_the_result_are_shown_in_the_authors_text() -> None:
    """Equal problems are given once: several values of a result can come from one of the author."""
    result = transpile(HEAD + b"storage:\n  files:\n    - path: /a\n      contents: {inline: x}\n")
    odd = Problem(("storage", "files", 0, "contents", "source"), "odd")
    (found,) = result.findings_of_config([odd, odd])
    assert found.problem.path == ("storage", "files", 0, "contents", "inline")
    assert found.at == Position(6, 26)


def test_a_text_without_a_result_has_no_problems_of_it() -> None:
    assert transpile(b"variant: nonesuch\nversion: 1.0.0\n").findings_of_config([Problem(("a",), "odd")]) == []
