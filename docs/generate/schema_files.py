"""The JSON Schemas: for each version of the format, each distinct YAML variant, all of them, and each dialect of ct."""

from __future__ import annotations

from pathlib import Path

from provision.config.model import VERSIONS
from provision.config.schema import file_name, format_schema
from transpiler.butane.schemas import schema_files, schema_text
from transpiler.container_linux import schemas as container_linux

FOLDER = Path("schemas")


def generated() -> dict[Path, str]:
    """The schemas, by their paths."""
    formats = {file_name(version): format_schema(version) for version in range(len(VERSIONS))}
    documents = {**formats, **schema_files(), **container_linux.schema_files()}
    return {FOLDER / name: schema_text(document) for name, document in documents.items()}
