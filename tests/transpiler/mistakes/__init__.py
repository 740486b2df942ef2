"""Typical mistakes of authors, a folder each: what they wrote, what they are told, and what a reader looks for in it.

`case.bu` is the config, with local files in `files/`; `case.report` is all that `transpile` says about it, and
`python -m tests.transpiler.mistakes` writes it anew; `expected.toml` is written by hand: a text of the cause, the place
of the mistake (line:column) and a text of the remedy.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from transpiler.phases import Result, transpile

FOLDER = Path(__file__).parent


class Mistake(NamedTuple):
    """One folder; each of the expected texts is to be found in one and the same finding."""

    name: str
    cause: str
    place: str
    remedy: str

    def result(self) -> Result:
        """What becomes of the config; local files are named as if the folder was the working directory."""
        return transpile((FOLDER / self.name / "case.bu").read_bytes(), name="case.bu", files_dir="files")

    def score(self) -> tuple[bool, bool, bool]:
        """Whether a finding tells the cause, and whether it has the place and the remedy."""
        told = [one for one in self.result().findings() if self.cause in one.problem.message]
        scores = [(True, one.place == f"case.bu:{self.place}", self.remedy in one.problem.hint) for one in told]
        return max(scores, default=(False, False, False))


def mistakes() -> list[Mistake]:
    """All folders."""
    files = sorted(FOLDER.glob("*/expected.toml"))
    return [Mistake(file.parent.name, **tomllib.loads(file.read_text())) for file in files]
