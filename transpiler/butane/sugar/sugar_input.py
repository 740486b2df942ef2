"""What each function of sugar gets and returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from provision.config.problems import Problem
from transpiler.butane.source_map import Draft
from transpiler.butane.variants import Trait, Variant
from transpiler.reading.local_files import FilesDirectory


class SugarInput(NamedTuple):
    """The input of sugar: the author's record, its variant, and the files directory."""

    record: Any
    variant: Variant
    files: FilesDirectory

    @property
    def gzip(self) -> bool:
        """Whether contents may be compressed."""
        return Trait.NO_COMPRESSION not in self.variant.traits


Sugar = Callable[[SugarInput, Draft], tuple[Draft, list[Problem]]]
"""One step of sugar: it returns the draft with added parts, and problems."""
