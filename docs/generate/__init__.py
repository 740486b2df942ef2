"""Schemas and reference pages, generated from the tables of the format, the variants and the platforms.

`python -m docs.generate` (or `make generate`) writes all of them and deletes those that nothing makes any more. A new
kind of generated file is a function in GENERATORS, and its folder in FOLDERS if it is to have no other files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate import (
    differences_page,
    format_page,
    platforms_page,
    rules_page,
    schema_files,
    targets_page,
    yaml_page,
)

COMMAND = "make generate"

GENERATORS: tuple[Callable[[], Mapping[Path, str]], ...] = (
    schema_files.generated,
    format_page.generated,
    yaml_page.generated,
    platforms_page.generated,
    rules_page.generated,
    targets_page.generated,
    differences_page.generated,
)
"""Each returns the texts of files by their paths from the root of the repository."""

FOLDERS = (Path("schemas"),)
"""Folders in which every file is generated."""


def generated() -> dict[Path, str]:
    """Every generated file: its text by its path from the root of the repository."""
    return {path: text for generator in GENERATORS for path, text in generator().items()}


def stale(root: Path) -> list[Path]:
    """Files in generated folders that nothing makes any more, by their paths from the root of the repository."""
    known = generated()
    found = (path.relative_to(root) for folder in FOLDERS for path in sorted((root / folder).iterdir()))
    return [path for path in found if path not in known]
