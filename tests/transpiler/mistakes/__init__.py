"""Typical mistakes of authors, one folder for each.

`case.bu` is the config; its local files are in `files/`. `case.report` is the report of `transpile`; `python -m
tests.transpiler.mistakes` writes it anew. `expected.toml` is written by hand: a part of the message (cause), the place
of the mistake (line:column) and a part of the hint (remedy).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from transpiler.phases import transpile
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

FOLDER = Path(__file__).parent


class Mistake(NamedTuple):
    """One folder. One finding must have all the expected texts."""

    name: str
    cause: str
    place: str
    remedy: str

    def result(self) -> Result:
        """The result for the config. Local files are relative to the working directory, which must be the folder."""
        return transpile(
            (FOLDER / self.name / "case.bu").read_bytes(), TranspileOptions(name="case.bu", files_dir="files")
        )

    def score(self) -> tuple[bool, bool, bool]:
        """Whether a finding has the cause, and whether it has the place and the remedy."""
        told = [one for one in self.result().findings() if self.cause in one.problem.message]
        scores = [(True, one.place == f"case.bu:{self.place}", self.remedy in one.problem.hint) for one in told]
        return max(scores, default=(False, False, False))


def mistakes() -> list[Mistake]:
    """All mistakes, sorted by name."""
    files = sorted(FOLDER.glob("*/expected.toml"))
    return [Mistake(file.parent.name, **tomllib.loads(file.read_text())) for file in files]
