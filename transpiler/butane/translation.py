"""The author's records -> records of an Ignition config: fields of the same name are taken over, others replaced."""

from __future__ import annotations

from typing import Any

from provision.config.model import Record
from provision.config.problems import Path, Problem
from transpiler.reading.local_files import FilesDirectory, LocalFileError


class Translation:
    """One walk over a record; paths are the author's. `problems` are those that were found on the way."""

    def __init__(self, files: FilesDirectory) -> None:
        self.files = files
        self.problems: list[Problem] = []

    def record(self, source: Record, target: type[Record], path: Path) -> Any:
        """The record of another type. Fields that it does not have are left out, or replaced by fields that it has."""
        if type(source) is target:
            return source
        written = source.__dict__
        values: dict[str, Any] = {}
        for field in target.FIELDS:
            if field.name in written:
                value = written[field.name]
                inner = field.record
                if inner is not None:
                    place = (*path, field.name)
                    if field.many:
                        value = tuple([self.record(one, inner, (*place, i)) for i, one in enumerate(value)])
                    else:
                        value = self.record(value, inner, place)
                values[field.name] = value
        self.replace(source, values, path)
        return target(**values)

    def replace(self, source: Any, values: dict[str, Any], path: Path) -> None:
        """Change the values that are made of a record, where the fields of the two types differ."""

    def read(self, local: str, path: Path) -> bytes | None:
        """The contents of a local file. If it cannot be read, a problem is noted, and None returned."""
        try:
            return self.files.read(local)
        except LocalFileError as error:
            self.problems.append(Problem(path, str(error), hint=error.hint))
            return None
