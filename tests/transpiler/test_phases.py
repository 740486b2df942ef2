"""The tables of phases are those in README."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from transpiler.container_linux import phases as container_linux
from transpiler.phases import PHASES
from transpiler.work import Phase

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
