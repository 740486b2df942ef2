"""The JSON Schemas: one for each version of the Ignition format, one for each distinct YAML variant, one for all."""

from __future__ import annotations

from pathlib import Path

from provision.config.model import VERSIONS
from provision.config.schema import file_name, format_schema
from transpiler.butane.schemas import schema_files, schema_text

FOLDER = Path("schemas")


def generated() -> dict[Path, str]:
    """The schemas, by their paths."""
    formats = {file_name(version): format_schema(version) for version in range(len(VERSIONS))}
    return {FOLDER / name: schema_text(document) for name, document in {**formats, **schema_files()}.items()}
