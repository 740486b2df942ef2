"""Every row of the transpiler's tables has a golden case that fails without it.

A test removes a row (or gives a trait to the version just before its range), and searches a case whose answer changes.
If there is none, the message says which case to add.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

import pytest

from provision.config.model import Record
from provision.config.problems import Problem
from tests.transpiler.golden import FILES, Answer, Case, cases, comparable, report
from transpiler.butane import source_rules
from transpiler.butane.source_rules import RULES
from transpiler.butane.variants import REFUSED, TRAITS, Range, Trait, Variant, table
from transpiler.phases import PHASES, run
from transpiler.result import result_of
from transpiler.translation_state import Phase, TranspileOptions, Work

Variants = Mapping[tuple[str, str], Variant]


@pytest.fixture(autouse=True)
def _in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)


def answer(case: Case, phases: tuple[Phase[Work], ...] = PHASES, variants: Variants | None = None) -> Answer:
    """Our answer with other tables."""
    options = TranspileOptions(
        files_dir="." if "--files-dir" in case.options else "",
        strict="--strict" in case.options,
        pretty="--pretty" in case.options,
        raw="--raw" in case.options,
        butane_paths=True,
    )
    try:
        work = run(case.text, options, phases, variants)
    except Exception as error:  # noqa: BLE001 - without one of its phases the pipeline may raise: that is a different answer
        return Answer("", repr(error), failed=True)
    result = result_of(work)
    return comparable(Answer("" if result.failed else f"{result.json}\n", report(result, raw=True), result.failed))


@cache
def full_answer(case: Case) -> Answer:
    """Our answer with the unchanged tables."""
    return answer(case)


def cases_of(row: Variant) -> list[Case]:
    """The cases of one version of a variant."""
    return [case for case in cases() if version_of(case) == (row.name, row.version)]


@cache
def version_of(case: Case) -> tuple[str, str]:
    """Variant and version of a case: runs only the first phases."""
    first = next(index for index, phase in enumerate(PHASES, 1) if phase.name == "choose variant")
    variant = run(case.text, TranspileOptions(), PHASES[:first]).variant
    return variant.name, variant.version


def changes(found: list[Case], asked: Callable[[Case], Answer]) -> bool:
    """Whether any case has a different answer."""
    return any(asked(case) != full_answer(case) for case in found)


OF_BUTANE = [phase for phase in PHASES if phase.name not in {"Container Linux Config", "parts", "target"}]
"""Butane knows no Container Linux Configs, no parts in other files and no targets; these have tests of their own."""


@pytest.mark.parametrize("phase", OF_BUTANE, ids=lambda phase: phase.name)
def test_phases(phase: Phase[Work]) -> None:
    others = tuple(one for one in PHASES if one is not phase)
    assert changes(cases(), lambda case: answer(case, others)), f"add a case that needs the phase {phase.name}"


@pytest.mark.parametrize("phase", [phase for phase in OF_BUTANE if phase.error], ids=lambda phase: phase.name)
def test_verdicts_of_phases(phase: Phase[Work]) -> None:
    others = tuple(one._replace(error="") if one is phase else one for one in PHASES)
    assert changes(cases(), lambda case: answer(case, others)), f"add a case that fails in the phase {phase.name}"


def rules() -> Iterator[tuple[type, int]]:
    """Every source rule: its record, and its index among the rules of the record."""
    for record, row in RULES.items():
        for index in range(len(row)):
            yield record, index


@pytest.mark.parametrize(("record", "index"), list(rules()), ids=lambda one: getattr(one, "__name__", str(one)))
def test_source_rules(record: type, index: int) -> None:
    row = RULES[record]
    fewer = {**RULES, record: (*row[:index], *row[index + 1 :])}

    def check(work: Work) -> list[Problem]:
        return source_rules.source_problems(work.record, work.variant, fewer)

    phases = tuple(one._replace(do=check) if one.name == "source rules" else one for one in PHASES)
    assert changes(cases(), lambda case: answer(case, phases)), f"add a case for {row[index].check}"


def bounds(one: Range, rows: list[Variant]) -> Iterator[tuple[Variant, bool]]:
    """The versions at the bounds of a range: the first and last inside (True), and their neighbours outside (False)."""
    inside = [one.has(row.name, row.version) for row in rows]
    last = len(rows) - 1
    for index, (row, has) in enumerate(zip(rows, inside, strict=True)):
        neighbours = inside[max(index - 1, 0) : index + 2]
        if (not all(neighbours) or index in {0, last}) if has else any(neighbours):
            yield row, has


def trait_bounds() -> Iterator[tuple[Trait, Variant, bool]]:
    for trait, ranges in TRAITS.items():
        for one in ranges:
            rows = [row for row in table().values() if row.name == one.variant]
            yield from ((trait, row, has) for row, has in bounds(one, rows))


def test_traits_at_the_bounds_of_their_ranges() -> None:
    without = []
    for trait, row, has in trait_bounds():
        assert (trait in row.traits) == has
        other = row._replace(traits=row.traits ^ {trait})
        if not changes(cases_of(row), partial(answer, variants={**table(), (row.name, row.version): other})):
            without.append(f"add a case of {row.name} {row.version} for {trait.name}")
    assert without == []


def field_bounds() -> Iterator[tuple[str, str, bool, Variant, bool]]:
    for refused in REFUSED:
        for field in refused.fields:
            for one in refused.ranges:
                rows = [row for row in table().values() if row.name == one.variant and exists(field, row)]
                yield from ((field, refused.reason, refused.zero_allowed, row, has) for row, has in bounds(one, rows))


def exists(field: str, row: Variant) -> bool:
    """Whether the spec that a version makes has a field, given as a dotted JSON name."""
    record: type[Record] | None = row.record
    for name in field.split("."):
        found = record.BY_JSON[name] if record else None
        if found is None or not found.exists(row.spec_minor):
            return False
        record = found.record
    return True


def test_refused_fields_at_the_bounds_of_their_ranges() -> None:
    without = []
    for field, reason, zero, row, has in field_bounds():
        fields = dict(row.refused)
        if has:
            assert fields.pop(field) == reason
        else:
            fields[field] = reason
        zeroes = row.zeroes_allowed | {field} if zero and not has else row.zeroes_allowed
        other = row._replace(refused=fields, zeroes_allowed=zeroes)
        if not changes(cases_of(row), partial(answer, variants={**table(), (row.name, row.version): other})):
            without.append(f"add a case of {row.name} {row.version} with {field}")
    assert without == []


def test_every_version_has_a_case_with_output() -> None:
    for row in table().values():
        assert any(not full_answer(case).failed for case in cases_of(row)), f"{row.name} {row.version}"


def test_every_case_that_fails_without_output_says_why() -> None:
    failed = [case for case in cases() if full_answer(case).failed]
    assert all(full_answer(case).report for case in failed)
