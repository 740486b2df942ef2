"""Finds the places of a merged config in its source texts: the given config, and the configs that it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from provision.config.format import Config
from provision.config.model import Field, Record, key_of, masked
from provision.config.problems import Path, Problem
from provision.config.reports.findings import Finding
from provision.failures import Failure, PlanRefused
from provision.yaml_or_json import Locate


class ConfigPart(NamedTuple):
    """One of the configs that were merged, how to find places in its text, and its secrets, if they are known."""

    config: Config
    locate: Locate
    secrets: frozenset[str] = frozenset()


@contextmanager
def without_secrets(secrets: frozenset[str]) -> Iterator[None]:
    """Run the block; in the message of a Failure that it raises, `***` stands for secrets."""
    try:
        yield
    except Failure as failure:
        failure.message, failure.hint = masked(failure.message, secrets), masked(failure.hint, secrets)
        if isinstance(failure, PlanRefused):
            failure.problems = tuple(
                one._replace(message=masked(one.message, secrets), hint=masked(one.hint, secrets))
                for one in failure.problems
            )
        raise


class ConfigPlaces:
    """The places of a merged config in the texts of its `parts`, in the order of merging: later parts override."""

    def __init__(self, whole: Config, parts: Sequence[ConfigPart]) -> None:
        self._whole = whole
        self._parts = tuple(parts)
        self.secrets = frozenset(secret for part in parts for secret in part.secrets)
        self._indexes: dict[int, dict[str, int]] = {}

    def findings(self, problems: Iterable[Problem]) -> list[Finding]:
        """Findings for problems of the merged config, with path, file, line and column in the source; no duplicates."""
        shares: list[list[Problem]] = [[] for _ in self._parts]
        for problem in problems:
            share, path = self._part_of(problem.path)
            shares[share].append(problem._replace(path=path))
        return [one for part, share in zip(self._parts, shares, strict=True) for one in part.locate(share)]

    def by_path(self, paths: Iterable[Path]) -> dict[Path, Finding]:
        """Path in the merged config -> its place in the source; the path of the finding is that of the source."""
        wanted = list(dict.fromkeys(paths))
        found = self.findings(Problem(path, str(index)) for index, path in enumerate(wanted))
        return {wanted[int(one.problem.message)]: one for one in found}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Run the block; a Failure that it raises gets no known secrets, and the places of problems in the texts."""
        try:
            with without_secrets(self.secrets):
                yield
        except PlanRefused as refused:
            refused.findings = tuple(self.findings(refused.problems))
            raise

    def _part_of(self, path: Path) -> tuple[int, Path]:
        """Index of the last part that has a value at the path, and the path in that part; else the first part."""
        for index in reversed(range(len(self._parts))):
            found = self._path_in(self._parts[index].config, path)
            if found is not None:
                return index, found
        return 0, path

    def _path_in(self, part: Config, path: Path) -> Path | None:
        """The path of the same value in one of the merged configs; None if that config does not have it.

        As in merging, two elements of lists are the same if their keys are. From the first step that is not a field of
        a record, the rest of the path stays as it is.
        """
        found: list[str | int] = []
        here: object = self._whole
        there: object = part
        for step in path:
            if isinstance(here, tuple) and isinstance(there, tuple) and isinstance(step, int) and step < len(here):
                index = self._index(there, here[step])
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

    def _index(self, elements: tuple[object, ...], wanted: object) -> int | None:
        """The index of the same element in a list of one of the parts; None if it is not there."""
        if isinstance(wanted, Record) and type(wanted).KEY:
            return self._keys(elements).get(key_of(wanted))
        return elements.index(wanted) if wanted in elements else None

    def _keys(self, elements: tuple[object, ...]) -> dict[str, int]:
        """Key -> first index; kept for each list, because a config may have thousands of files."""
        # The parts keep the list alive, so that no other list gets its id().
        keys = self._indexes.get(id(elements))
        if keys is None:
            keys = {key_of(one): index for index, one in reversed([*enumerate(elements)])}
            self._indexes[id(elements)] = keys
        return keys


def _field(record: object, name: str | int) -> Field | None:
    fields = type(record).FIELDS if isinstance(record, Record) else ()
    return next((field for field in fields if name in {field.json, field.name}), None)
