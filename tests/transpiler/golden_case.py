"""A golden case: a folder with an input, and with what the original program makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self


@dataclass(frozen=True)
class GoldenCase:
    """A folder `cases/<topic>/<case>/`. The files in it that are absent are empty."""

    folder: Path
    input: ClassVar = "case.yaml"

    @classmethod
    def all_below(cls, folder: Path) -> list[Self]:
        """The cases of a folder, by name."""
        return [cls(path.parent) for path in sorted(folder.glob(f"*/*/{cls.input}"))]

    @property
    def name(self) -> str:
        """The topic and the name of the folder."""
        return "/".join(self.folder.parts[-2:])

    @property
    def text(self) -> bytes:
        """The input."""
        return (self.folder / self.input).read_bytes()

    def read(self, name: str) -> str:
        """A file of the case; empty if there is none."""
        path = self.folder / name
        return path.read_text("utf-8") if path.exists() else ""
