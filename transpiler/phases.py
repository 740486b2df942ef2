"""YAML text -> JSON and all problems of the text: one pass through the table PHASES."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from provision.config import rules
from provision.config.format import Config
from provision.config.json_text.decode import parse_version
from provision.config.model import Record
from provision.config.problems import Problem
from provision.config.reports import findings as reports_findings
from provision.config.reports import text as reports
from transpiler.butane import source_rules, variant_checks
from transpiler.butane.hints import no_variant_problem
from transpiler.butane.records import Head
from transpiler.butane.source_map import ButanePaths, Draft, yaml_path
from transpiler.butane.sugar import openshift
from transpiler.butane.sugar.boot_device import boot_device, grub
from transpiler.butane.sugar.inline_contents import inline_contents
from transpiler.butane.sugar.mount_units import mount_units
from transpiler.butane.sugar.quadlets import quadlets
from transpiler.butane.sugar.sugar_input import Sugar, SugarInput
from transpiler.butane.sugar.trees import trees
from transpiler.butane.types_and_keys import type_and_key_problems
from transpiler.butane.variants import Trait, Variant, table
from transpiler.container_linux.recognise import is_container_linux_config
from transpiler.output_text import in_newest_version, output_text, too_large
from transpiler.reading.documents import second_document
from transpiler.reading.local_files import FilesDirectory
from transpiler.reading.tree import parse_yaml
from transpiler.reading.typed import Reading, build, read_typed
from transpiler.reading.yaml_problems import YamlError, type_errors
from transpiler.reports.text import SourceText, butane_report, located, raw_line
from transpiler.translation_state import Phase, TranspileOptions, Work

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from transpiler.composition.values import Document, Values

BAD_SOURCE = "source config is invalid"
BAD_PARTS = "a part of the config is invalid"
BAD_RESULT = "config generated was invalid"
SECOND_DOCUMENT = "the text has more than one document"
STRICT_ERROR = "Config produced warnings and --strict was specified"


class Result(NamedTuple):
    """The result of transpiling one text.

    `json` is the output (YAML for a MachineConfig), empty if there is none. `config` is the same output as a value, and
    `spec_minor` is the minor version of its Ignition spec (an index into VERSIONS). `problems` are all problems; Butane
    reports the first `reported` of them. `error` is Butane's verdict, empty if there is no error. `draft` holds the
    author's path of each part of the config.

    For a Container Linux Config `json` is of version 2.3, `config` is what the engine makes of it, and `spec_minor` and
    `draft` are None.
    """

    text: SourceText
    json: str
    config: Config | None
    spec_minor: int | None
    problems: tuple[Problem, ...]
    reported: int
    error: str
    draft: Draft | None = None

    @property
    def failed(self) -> bool:
        """Whether there is no output."""
        return bool(self.error)

    def render(self, *, color: bool = False) -> str:
        """All problems as text for people: errors first, with places, excerpts and hints."""
        return reports.as_text(self.findings(), excerpts=True, color=color)

    def findings(self) -> list[reports_findings.Finding]:
        """All problems with their places and source lines."""
        return located(self.problems, self.text)

    def findings_of_config(self, problems: Iterable[Problem]) -> list[reports_findings.Finding]:
        """Problems whose paths are those of the resulting config, with the author's paths, places and source lines.

        Equal problems are given once. Empty if there is no config.
        """
        if self.draft is None:
            return []
        source_of = self.draft.source_of
        mine = [problem._replace(path=source_of(yaml_path(problem.path))) for problem in problems]
        return located(mine, self.text)

    def render_as_butane(self, *, color: bool = False, raw: bool = False) -> str:
        """Butane's report: with excerpts, or with `raw` one line for each problem."""
        shown = self.problems[: self.reported]
        if raw:
            return "\n".join(raw_line(problem, self.text) for problem in shown)
        return butane_report(shown, self.text, color=color)


def transpile(  # noqa: PLR0913 - they are the options of the command line
    text: bytes,
    *,
    name: str = "<stdin>",
    files_dir: FilePath | str | None = None,
    strict: bool = False,
    pretty: bool = False,
    raw: bool = False,
    butane_paths: bool = False,
    lints: bool = True,
    platform: str = "",
    dialect: str = "",
    ignore: Sequence[str] = (),
    bases: Sequence[Document] = (),
    values: Values | None = None,
) -> Result:
    """Translate a YAML config; return its JSON and its problems. It does not raise for any bytes.

    The config is merged over `bases`, each of which is merged over those before it. `values` are those of the tags
    `!var`, `!env`, `!secret` and `!format`; by default there are none. Without `lints` and `values`, these tags,
    `!include` and `extends` have no meaning, as in Butane. Only files below `files_dir` are read. With
    `strict`, warnings are errors. With `pretty`, the JSON is indented. With `raw`, the output is never a MachineConfig,
    but a bare Ignition config. With `butane_paths`, only Butane's problems are reported, with the paths that Butane
    prints: for an absent value, the path in the result; and only tags of Butane have a meaning. Without `lints`, there
    are no warnings of lints and no longer explanations, which only authors need. `platform` and `dialect` are for
    Container Linux Configs. Warnings of the rules in `ignore` are left out.
    """
    options = TranspileOptions(
        FilesDirectory(os.fspath(files_dir) if files_dir else ""),
        raw=raw,
        butane_paths=butane_paths,
        platform=platform,
        dialect=dialect,
        name=name,
        bases=bases,
        values=None if butane_paths else values or (_no_values() if lints or bases else None),
    )
    work = run(text, options)
    if not butane_paths:
        if ignored_text := list(second_document(text)):
            work.problems += ignored_text
            work.error = work.error or SECOND_DOCUMENT
        if lints:
            _for_authors(work, ignore)
    return result_of(work, name, strict=strict, pretty=pretty)


def _no_values() -> Values:
    from transpiler.composition.values import Values

    return Values()


def _for_authors(work: Work, ignore: Sequence[str]) -> None:
    """Replace Butane's problems by those for authors: with better explanations, and with warnings of lints."""
    from transpiler.lint.for_authors import LintInput, problems_for_authors

    lines = work.source_text("").all_lines()
    source = LintInput(lines, work.root, work.record, work.variant, work.options.files.directory)
    work.problems = problems_for_authors(work.problems, source, ignore)


def result_of(work: Work, name: str, *, strict: bool, pretty: bool) -> Result:
    """The result of a completed run; `name` is the name of the text in reports."""
    written = "" if work.error else output_text(work, pretty=pretty)
    if not work.options.butane_paths:
        work.problems += too_large(written)
    _hide_secrets(work)
    if strict and work.problems and not work.error:
        work.error, written = STRICT_ERROR, ""
    shown = work.source_text(name)
    draft = None if work.error or work.old_config else work.draft
    spec_minor = work.variant.spec_minor if work.variant.name else None
    config = draft and draft.config
    if work.old_config is not None and not work.error:
        config = in_newest_version(work.old_config)
    return Result(shown, written, config, spec_minor, tuple(work.problems), work.reported, work.error, draft)


def _hide_secrets(work: Work) -> None:
    """Remove from all problems the secrets that they quote, and problems of secrets that are not known."""
    if work.unknown_secrets:
        text = work.source_text("")
        work.problems = [one for one in work.problems if one.fatal or text.place(one) not in work.unknown_secrets]
    if work.secrets:
        from transpiler.composition.documents import without_secrets

        work.problems = [without_secrets(one, work.secrets) for one in work.problems]
        work.error = without_secrets(Problem((), work.error), work.secrets).message


def run(
    text: bytes,
    options: TranspileOptions,
    phases: Sequence[Phase[Work]] | None = None,
    variants: Mapping[tuple[str, str], Variant] | None = None,
) -> Work:
    """Run the phases (default: PHASES) for the variants (default: `table()`), and return the final state."""
    work = Work(text, options, table() if variants is None else variants)
    try:
        for phase in PHASES if phases is None else phases:
            if phase.when(work):
                work.add(phase.do(work), phase.error)
    except YamlError as error:
        start = "" if work.variant.name or options.container_linux else "Error unmarshaling yaml: "
        work.problems.append(error.problem)
        work.error = start + error.yaml_v3
    return work


def _parse(work: Work) -> Iterable[Problem]:
    work.root = parse_yaml(work.text)
    return ()


def _compose(work: Work) -> Iterable[Problem]:
    """Replace the author's tags, and merge the documents that the text extends."""
    from transpiler.composition.documents import compose

    if work.options.values is None:
        return ()
    main = work.source_text(work.options.name)
    composed = compose(main, work.options.bases, work.options.files, work.options.values)
    work.as_written, work.root, work.other_texts = work.root, composed.root, composed.texts
    work.secrets, work.unknown_secrets = composed.secrets, composed.unknown
    return composed.problems


def _has_parts(work: Work) -> bool:
    """Whether the tree may have tags or other documents. For most texts the modules for them are not loaded."""
    options = work.options
    if options.values is None:
        return False
    return bool(options.bases or options.values.given) or _PARTS.search(work.text) is not None


_PARTS = re.compile(rb"extends|!(?:var|env|secret|format|include)|^(?:\xff\xfe|\xfe\xff)")
"""What a text has if it may have parts elsewhere. A text in UTF-16 always may."""


def _container_linux(work: Work) -> Iterable[Problem]:
    """Run the phases of Container Linux Configs, which have a table of their own."""
    from transpiler.container_linux import phases

    phases.run(work)
    return ()


def _is_container_linux(work: Work) -> bool:
    """Whether the text is a Container Linux Config. Butane does not know them."""
    if work.error:
        return False
    return work.options.container_linux or (not work.options.butane_paths and is_container_linux_config(work.root))


def _is_butane(work: Work) -> bool:
    return work.old_config is None and not work.error


def _choose_variant(work: Work) -> Iterable[Problem]:
    """Set the variant that the text names, or return the reason why there is none."""
    reading = _read(work, Head, 0)
    refused = [*reading.faults, *reading.misfits.values()]
    if refused:
        work.error = "Error unmarshaling yaml: " + type_errors(refused)
        return [one.problem for one in refused]
    head = build(Head, reading.values)
    version = parse_version(head.version)
    if head.variant and version and (head.variant, version) in work.variants:
        work.variant = work.variants[head.variant, version]
        return ()
    problem = no_variant_problem(head.variant, head.version, version, work.root)
    work.error = problem.message
    return [problem]


def _read(work: Work, record: type[Record], spec_minor: int) -> Reading:
    return read_typed(work.root, record, spec_minor) if work.root else Reading({}, (), {}, ())


def _types_and_keys(work: Work) -> Iterable[Problem]:
    """Read the text as the variant's record. On a wrong type, Butane stops with a message and without a report."""
    variant = work.variant
    reading = _read(work, variant.record, variant.spec_minor)
    work.record = build(variant.record, reading.values)
    found = type_and_key_problems(reading, variant)
    refused = [one for one in found if one.yaml_v3]
    if refused:
        work.error = type_errors(refused)
    return [one.problem for one in found]


def _source_rules(work: Work) -> Iterable[Problem]:
    return source_rules.source_problems(work.record, work.variant)


def _sugar(step: Sugar) -> Callable[[Work], Iterable[Problem]]:
    """The phase that expands one shorthand into plain parts of the draft."""

    def add(work: Work) -> Iterable[Problem]:
        source = SugarInput(work.record, work.variant, work.options.files)
        work.draft, problems = step(source, work.draft)
        return problems

    return add


def _in_result(check: Callable[[Config, Variant], Iterable[Problem]]) -> Callable[[Work], Iterable[Problem]]:
    """The phase that runs `check` on the draft. Its problems get the author's paths."""

    def at_source(work: Work) -> Iterable[Problem]:
        return _at_source(work, check(work.draft.config, work.variant))

    return at_source


def _at_source(work: Work, problems: Iterable[Problem]) -> Iterator[Problem]:
    places: Draft | ButanePaths = work.draft
    if work.options.butane_paths:
        places = ButanePaths(
            work.draft, work.variant.spec_minor, wrapped=work.variant.makes_machine_config and not work.options.raw
        )
    for problem in problems:
        yield problem._replace(path=places.source_of(yaml_path(problem.path)))


def _machine_config(work: Work) -> Iterable[Problem]:
    """Values that the Machine Config Operator rejects, and fields that a bare config cannot hold."""
    refused = variant_checks.machine_config_values(work.draft.config, work.variant)
    if work.bare and work.options.butane_paths:
        yield from (one.under("spec", "config") for one in refused)
    else:
        yield from _at_source(work, refused)
    if work.bare:
        yield from variant_checks.ignored_in_raw(work.record.openshift)


def _repeated_entries(work: Work) -> Iterable[Problem]:
    return variant_checks.repeated_entries(work.record.openshift)


def _duplicates(config: Config, variant: Variant) -> Iterable[Problem]:
    return rules.duplicates(config, variant.spec_minor)


def _ignition_rules(config: Config, variant: Variant) -> Iterable[Problem]:
    return rules.check_rules(config, variant.spec_minor, variant_checks.RESULT_RULES)


def _always(_work: Work) -> bool:
    return True


def _with_variant(work: Work) -> bool:
    return bool(work.variant.name)


def _has(*traits: Trait) -> Callable[[Work], bool]:
    return lambda work: not work.variant.traits.isdisjoint(traits)


def _not_bare(work: Work) -> bool:
    return _with_variant(work) and not work.bare


def _wrapped(work: Work) -> bool:
    return work.variant.makes_machine_config and not work.bare


PHASES: tuple[Phase[Work], ...] = (
    Phase("parse", _parse, _always),
    Phase("parts", _compose, _has_parts, BAD_PARTS),
    Phase("Container Linux Config", _container_linux, _is_container_linux),
    Phase("choose variant", _choose_variant, _is_butane),
    Phase("types and keys", _types_and_keys, _with_variant),
    Phase("source rules", _source_rules, _with_variant, BAD_SOURCE),
    Phase("inline contents", _sugar(inline_contents), _with_variant),
    Phase("mount units", _sugar(mount_units), _with_variant),
    Phase("trees", _sugar(trees), _with_variant),
    Phase("quadlets", _sugar(quadlets), _with_variant, BAD_SOURCE),
    Phase("boot device", _sugar(boot_device), _with_variant),
    Phase("GRUB users", _sugar(grub), _with_variant),
    Phase("GRUB contents", _sugar(openshift.grub_contents), _has(Trait.GRUB_CONTENTS)),
    Phase("FIPS ciphers", _sugar(openshift.fips), _has(Trait.FIPS_LUKS)),
    Phase(
        "image partitions",
        _in_result(variant_checks.image_partitions),
        _has(Trait.RESERVED_LABELS, Trait.ROOT_SIZE),
    ),
    Phase("MachineConfig values", _machine_config, _has(Trait.MACHINE_CONFIG), BAD_SOURCE),
    Phase("refused fields", _in_result(variant_checks.refused_fields), _not_bare, BAD_SOURCE),
    Phase("repeated entries", _repeated_entries, _wrapped),
    Phase("duplicates", _in_result(_duplicates), _with_variant),
    Phase("Ignition's rules", _in_result(_ignition_rules), _with_variant, BAD_RESULT),
)
"""All phases from text to result. README shows the same names in the same order (a test compares them)."""
