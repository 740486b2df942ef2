"""What a config must satisfy beyond its types: every rule, where it runs, and in which order.

The order is that of ignition-validate: a record's own rules first, then those of its fields, element by element.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.model import NEWEST, Field, Record, key_of
from provision.config.problems import Path, Problem, ProblemList, dotted
from provision.config.rules.declare import Rule
from provision.config.rules.disks_and_raid import RULES as DEVICE_RULES
from provision.config.rules.files_and_links import RULES as STORAGE_RULES
from provision.config.rules.filesystems import RULES as FILESYSTEM_RULES
from provision.config.rules.luks import RULES as LUKS_RULES
from provision.config.rules.resources import RULES as RESOURCE_RULES
from provision.config.rules.systemd import RULES as SYSTEMD_RULES

RULES: tuple[Rule, ...] = (
    *SYSTEMD_RULES,
    *RESOURCE_RULES,
    *STORAGE_RULES,
    *DEVICE_RULES,
    *FILESYSTEM_RULES,
    *LUKS_RULES,
)
"""Every rule of the format; those of one record type run in this order."""


def check_rules(config: Record, version: int = NEWEST, rules: tuple[Rule, ...] = RULES) -> Iterator[Problem]:
    """Every problem that the rules of a version find in a config, or in any other record."""
    walk = _Walk(version, rules)
    walk.apply_rules(config, ())
    yield from walk.problems.kept


def duplicates(config: Record, version: int = NEWEST) -> Iterator[Problem]:
    """Elements with the same key in one list, or in lists of one record that share their keys."""
    walk = _Walk(version)
    walk.find_duplicates(config, ())
    yield from walk.problems.kept


class _Places:
    """The first place of each key in lists that share their keys, as one number: a config has 200,000 elements."""

    def __init__(self) -> None:
        self._lists: list[Path] = []
        self._numbers: dict[str, int] = {}

    def begin(self, path: Path) -> None:
        """Begin the next list: the keys that are asked for from now on are in it."""
        self._lists.append(path)

    def first(self, key: str, index: int) -> Path | None:
        """The first place of a key; None if it is here, at `index` of the list."""
        here = len(self._lists) - 1 << 32 | index
        number = self._numbers.setdefault(key, here)
        return None if number == here else (*self._lists[number >> 32], number & 0xFFFFFFFF)


class _Walk:
    """One walk over a config. The rules of a record type, and its fields with records, are looked up once."""

    def __init__(self, version: int, rules: tuple[Rule, ...] = RULES) -> None:
        self.version = version
        self.all_rules = rules
        self.problems = ProblemList()
        self.rules: dict[type[Record], tuple[Rule, ...]] = {}
        self.keyed: dict[type[Record], tuple[Field, ...]] = {}
        self.nested: dict[type[Record], tuple[Field, ...]] = {}

    def apply_rules(self, record: Record, path: Path) -> None:
        """Run the rules of a record and of everything below it."""
        kind = type(record)
        if kind not in self.rules:
            self._look_up(kind)
        for rule in self.rules[kind]:
            for problem in rule.find(record, self.version):
                self.problems.add(problem.under(*path) if path else problem)
        for field in self.nested[kind]:
            value = record.__dict__.get(field.name)
            if value is None:
                continue
            if field.many:
                for index, element in enumerate(value):
                    self.apply_rules(element, (*path, field.json, index))
            else:
                self.apply_rules(value, (*path, field.json))

    def find_duplicates(self, record: Record, path: Path) -> None:
        """Look for duplicates in the lists of a record and of everything below it."""
        kind = type(record)
        if kind not in self.rules:
            self._look_up(kind)
        seen: dict[str, _Places] = {}
        for field in self.keyed[kind]:
            places = seen.setdefault(field.unique_by, _Places())
            self._find_in_list(field, record.__dict__.get(field.name, ()), path, places)
        for field in self.nested[kind]:
            value = record.__dict__.get(field.name)
            if value is None:
                continue
            if field.many:
                for index, element in enumerate(value):
                    self.find_duplicates(element, (*path, field.json, index))
            else:
                self.find_duplicates(value, (*path, field.json))

    def _find_in_list(self, field: Field, elements: tuple[object, ...], path: Path, places: _Places) -> None:
        here = (*path, field.json)
        places.begin(here)
        for index, element in enumerate(elements):
            first = places.first(key_of(element), index)
            if first is not None:
                hint = f"first defined at {dotted(first)}"
                self.problems.add(Problem((*here, index), "duplicate entry defined", hint=hint))

    def _look_up(self, kind: type[Record]) -> None:
        lineage = [base for base in reversed(kind.__mro__) if base is not object]
        self.rules[kind] = tuple(
            rule
            for base in lineage
            for rule in self.all_rules
            if rule.record is base and rule.since <= self.version < rule.until
        )
        fields = [field for field in kind.FIELDS if field.exists(self.version)]
        self.nested[kind] = tuple(field for field in fields if field.record is not None)
        self.keyed[kind] = tuple(field for field in fields if field.many and not field.appends)
