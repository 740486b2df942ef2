"""YAML text -> JSON, and everything there is to say about it: the pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from provision.config import rules
from provision.config.format import Config
from provision.config.json_text import encode
from provision.config.json_text.decode import parse_version
from provision.config.problems import Path, Problem
from provision.config.reports import findings as reports_findings
from provision.config.reports import text as reports
from transpiler import report
from transpiler.butane import source_rules, variant_checks
from transpiler.butane.hints import no_variant_hint, version_hint
from transpiler.butane.records import Head
from transpiler.butane.source_map import ButanePaths, Draft, snaked
from transpiler.butane.sugar import steps as sugar
from transpiler.butane.types_and_keys import Finding, findings, misfits, shape, unreadable
from transpiler.butane.variants import REMOVED, Variant, table
from transpiler.reading.local_files import Files
from transpiler.reading.tree import YamlError, YamlNode, parse
from transpiler.reading.typed import Reading, build, read

NO_VARIANT = "error parsing variant; must be specified"
NO_VERSION = "error parsing version; must be a valid semver"
BAD_SOURCE = "source config is invalid"
BAD_RESULT = "config generated was invalid"
STRICT_ERROR = "Config produced warnings and --strict was specified"


class Result(NamedTuple):
    """What became of a text.

    `json` is the result (YAML for a MachineConfig), empty if there is none; `config` and `version` (an index into
    VERSIONS) the same as a value. `problems` are all there is to say; the first `reported` of them are what the
    reference reports. `error` is Butane's verdict, empty if all is well.
    """

    text: report.SourceText
    json: str
    config: Config | None
    version: int | None
    problems: tuple[Problem, ...]
    reported: int
    error: str

    @property
    def failed(self) -> bool:
        """Whether there is no result."""
        return bool(self.error)

    def render(self, *, color: bool = False) -> str:
        """All problems for people, errors first, with places, excerpts and hints."""
        return reports.as_text(self.findings(), excerpts=True, color=color)

    def findings(self) -> list[reports_findings.Finding]:
        """All problems with their places and lines."""
        return report.located(self.problems, self.text)

    def render_as_butane(self, *, color: bool = False, raw: bool = False) -> str:
        """Butane's report, drawn, or in one line for each problem."""
        shown = self.problems[: self.reported]
        if raw:
            return "\n".join(report.raw_line(problem, self.text) for problem in shown)
        return report.butane_report(shown, self.text, color=color)


def transpile(  # noqa: PLR0913 - they are the options of the command line
    text: bytes,
    *,
    name: str = "<stdin>",
    files_dir: FilePath | str | None = None,
    strict: bool = False,
    pretty: bool = False,
    raw: bool = False,
    butane_paths: bool = False,
) -> Result:
    """The JSON of a YAML config. Never raises, whatever the bytes; reads nothing but files below `files_dir`.

    `strict` refuses warnings, `pretty` indents, `raw` makes a bare config of what would be a MachineConfig. With
    `butane_paths` problems of absent values point where Butane points, which has lost track of them by then.
    """
    root: YamlNode | None = None
    run = _Run(raw=raw, butane_paths=butane_paths)
    try:
        root = parse(text)
        _fill(run, root, Files(os.fspath(files_dir) if files_dir else ""))
    except YamlError as error:
        start = "" if run.variant else "Error unmarshaling yaml: "
        run.stop([unreadable(error)], start + error.yaml_v3)
    if strict and run.problems and not run.error:
        run.error = STRICT_ERROR
    shown = report.SourceText(name, text, root)
    written = "" if run.error else _written(run, pretty=pretty, raw=raw)
    config = None if run.error else run.config
    return Result(shown, written, config, run.version, tuple(run.problems), run.reported, run.error)


class _Run:
    """One run of the pipeline: what is known so far. After Butane's end only further errors are gathered."""

    def __init__(self, *, raw: bool = False, butane_paths: bool = False) -> None:
        self.raw = raw
        self.butane_paths = butane_paths
        self.problems: list[Problem] = []
        self.reported = 0
        self.error = ""
        self.version: int | None = None
        self.variant: Variant | None = None
        self.source: Any = None
        self.config = Config()

    def note(self, problems: Iterable[Problem], error: str = "") -> None:
        """Add a phase's problems; `error` is the verdict if any of them, or of those before, is fatal."""
        if self.error:
            known = _Known(problem.path for problem in self.problems if problem.fatal)
            self.problems.extend(one for one in problems if not known.cover(one.path))
            return
        self.problems.extend(problems)
        self.reported = len(self.problems)
        if error and any(problem.fatal for problem in self.problems):
            self.error = error

    def stop(self, problems: Iterable[Problem], error: str) -> None:
        """End as Butane does without any report: what was found is for people only."""
        self.problems.extend(problems)
        self.error = error


class _Known:
    """Places of errors: what is found there, inside or around them later on is likely to follow from them."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.at = set(paths)
        self.around = {path[:length] for path in self.at for length in range(len(path))}

    def cover(self, path: Path) -> bool:
        """Whether something is known at, inside or around a path."""
        return path in self.around or any(path[:length] in self.at for length in range(len(path) + 1))


def _fill(run: _Run, root: YamlNode | None, files: Files) -> None:
    """The phases of judgement, in the order of Butane."""
    row = _choose(root, run)
    if row is None or root is None:
        return
    run.version, run.variant = row.spec_minor, row
    reading = read(root, row.record, row.spec_minor)
    found = findings(reading, row)
    _note_findings(found, run)
    run.source = build(row.record, reading.values)
    run.note(source_rules.source_problems(run.source, row), BAD_SOURCE)
    _desugar(sugar.SugarInput(run.source, row, files), run)


def _choose(root: YamlNode | None, run: _Run) -> Variant | None:
    """The row of the table that a text names; None and a verdict if there is none."""
    reading = read(root, Head, 0) if root else Reading({}, (), {}, ())
    head = build(Head, reading.values)
    refused = [*shape(reading), *misfits(reading)]
    if refused:
        run.stop([one.problem for one in refused], "Error unmarshaling yaml: " + _type_errors(refused))
        return None
    if not head.variant:
        problem = Problem(("variant",), NO_VARIANT, hint=no_variant_hint(root))
        run.stop([problem], NO_VARIANT)
        return None
    version = parse_version(head.version)
    if version is None:
        hint = "add a line like `version: 1.5.0`" if not head.version else version_hint(head.variant)
        run.stop([Problem(("version",), NO_VERSION, hint=hint)], NO_VERSION)
        return None
    row = table().get((head.variant, version))
    if row is None:
        removed = REMOVED.get(head.variant) if version == "0.1.0" else None
        message = removed or f"No translator exists for variant {head.variant} with version {version}"
        at: Path = ("version",) if any(name == head.variant for name, _ in table()) else ("variant",)
        run.stop([Problem(at, message, hint="" if removed else version_hint(head.variant))], message)
    return row


def _note_findings(found: list[Finding], run: _Run) -> None:
    """Types and keys: Butane gives up at the first kind of errors without a report."""
    refused = [one for one in found if one.yaml_v3]
    if refused:
        run.stop([one.problem for one in found], _type_errors(refused))
        return
    run.note([one.problem for one in found])


def _type_errors(refused: Sequence[Finding]) -> str:
    lines = "".join(f"\n  {one.yaml_v3}" for one in sorted(refused, key=lambda one: one.at))
    return f"yaml: unmarshal errors:{lines}"


def _desugar(source: sugar.SugarInput, run: _Run) -> None:
    """Sugar step by step, and what is to be said about the result, in the order and with the stops of Butane."""
    row, raw = source.variant, run.raw
    draft = Draft(Config())
    for step in sugar.BASE_SUGAR:
        draft, problems = step(source, draft)
        run.note(problems)
    run.note((), BAD_SOURCE)
    for step in sugar.BOOT_DEVICE_SUGAR:
        draft, problems = step(source, draft)
        run.note(problems)
    partitions = list(variant_checks.partitions(draft.config, row))
    for step in sugar.PLATFORM_SUGAR:
        draft, problems = step(source, draft)
        run.note(problems)
    places = ButanePaths(draft, row.spec_minor, wrapped=row.wraps and not raw) if run.butane_paths else draft
    run.note(_at_source(places, partitions))
    bare = raw and row.wraps and run.butane_paths
    refused = variant_checks.machine_config(draft.config, row)
    run.note((one.under("spec", "config") for one in refused) if bare else _at_source(places, refused))
    run.note(variant_checks.ignored_in_raw(source.record.openshift) if raw and row.wraps else ())
    run.note((), BAD_SOURCE)
    if not (raw and row.wraps):
        run.note(_at_source(places, variant_checks.refused(draft.config, row)), BAD_SOURCE)
        run.note(variant_checks.repeated(source.record.openshift) if row.wraps else ())
    run.note(_at_source(places, rules.duplicates(draft.config, row.spec_minor)))
    judged = (*rules.check(draft.config, row.spec_minor), *variant_checks.removed_beside_unnumbered(draft.config))
    run.note(_at_source(places, judged), BAD_RESULT)
    run.config = draft.config


def _at_source(places: Draft | ButanePaths, problems: Iterable[Problem]) -> Iterator[Problem]:
    for problem in problems:
        yield problem._replace(path=places.source_of(snaked(problem.path)))


def _written(run: _Run, *, pretty: bool, raw: bool) -> str:
    row = run.variant
    if row is None or run.version is None:
        return ""
    if row.wraps and not raw:
        from transpiler.butane.machine_config import machine_config

        return machine_config(run.source, encode.plain(run.config, run.version))
    return encode.encode(run.config, run.version, 2 if pretty else 0)
