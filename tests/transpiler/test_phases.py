"""The table of phases is the one in README."""

from __future__ import annotations

import re
from pathlib import Path

from transpiler.phases import PHASES

README = Path(__file__).resolve().parents[2] / "README.md"


def test_readme_shows_the_phases_in_their_order() -> None:
    text = README.read_text("utf-8")
    shown = re.search(r"`transpiler/phases.py`:\n\n(.*?) -> JSON\.\n", text, re.DOTALL)
    assert shown
    assert " ".join(shown[1].split()).split(" -> ") == [phase.name for phase in PHASES]
