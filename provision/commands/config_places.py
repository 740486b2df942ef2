"""Where a part of the config stands in the texts that people gave: the config itself, and those that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from provision.config.format import Config
from provision.config.model import Field, Record, key_of
from provision.config.problems import Path, Problem
from provision.config.reports.findings import Finding
from provision.failures import PlanRefused
from provision.yaml_or_json import Locate


class ConfigPart(NamedTuple):
    """One of the configs that were merged, and how to find places in its text."""

    config: Config
    locate: Locate


class ConfigPlaces:
    """The places of a whole config in the texts of its `parts`; later parts win where configs are merged."""

    def __init__(self, whole: Config, parts: Sequence[ConfigPart]) -> None:
        self._whole = whole
        self._parts = tuple(parts)

    def findings(self, problems: Iterable[Problem]) -> list[Finding]:
        """Problems of the whole config with the author's path, file, line and column; each once."""
        shares: list[list[Problem]] = [[] for _ in self._parts]
        for problem in problems:
            share, path = self._part_of(problem.path)
            shares[share].append(problem._replace(path=path))
        return [one for part, share in zip(self._parts, shares, strict=True) for one in part.locate(share)]

    def by_path(self, paths: Iterable[Path]) -> dict[Path, Finding]:
        """Path of the whole config -> where it stands; its problem has the author's path."""
        wanted = list(dict.fromkeys(paths))
        found = self.findings(Problem(path, str(index)) for index, path in enumerate(wanted))
        return {wanted[int(one.problem.message)]: one for one in found}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Give a refusal the places of its problems in the author's texts."""
        try:
            yield
        except PlanRefused as refused:
            refused.findings = tuple(self.findings(refused.problems))
            raise

    def _part_of(self, path: Path) -> tuple[int, Path]:
        """The last part that has something at the path, and the path there; else the first one."""
        for index in reversed(range(len(self._parts))):
            found = _path_in(self._parts[index].config, self._whole, path)
            if found is not None:
                return index, found
        return 0, path


def _path_in(part: Config, whole: Config, path: Path) -> Path | None:
    """The path in one of the merged configs that leads to the same thing; None if that config does not have it.

    Elements of lists are the same one if their keys are, as in merging. What lies below something that is no record, or
    that this config leaves open, is left as it is.
    """
    found: list[str | int] = []
    here: object = whole
    there: object = part
    for step in path:
        if isinstance(here, tuple) and isinstance(there, tuple) and isinstance(step, int) and step < len(here):
            index = _index(there, here[step])
            if index is None:
                return None
            here, there = here[step], there[index]
            found.append(index)
            continue
        field = _field(here, step)
        if field is None:
            break
        here, there = getattr(here, field.name), getattr(there, field.name)
        found.append(step)
    return (*found, *path[len(found) :])


def _field(record: object, name: str | int) -> Field | None:
    fields = type(record).FIELDS if isinstance(record, Record) else ()
    return next((field for field in fields if name in {field.json, field.name}), None)


def _index(elements: tuple[object, ...], wanted: object) -> int | None:
    """Where the same element is in another list."""
    if isinstance(wanted, Record) and type(wanted).KEY:
        keys = [key_of(one) for one in elements]
        return keys.index(key_of(wanted)) if key_of(wanted) in keys else None
    return elements.index(wanted) if wanted in elements else None
