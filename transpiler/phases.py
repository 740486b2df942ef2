"""YAML text -> JSON and all problems of the text: one pass through the table PHASES."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from provision.config import rules
from provision.config.format import Config
from provision.config.json_text.decode import parse_version
from provision.config.model import Record
from provision.config.problems import Problem
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
from transpiler.reading.documents import second_document
from transpiler.reading.tree import parse_yaml
from transpiler.reading.typed import Reading, build, read_typed
from transpiler.reading.yaml_problems import YamlError, type_errors
from transpiler.reports.text import SourceText
from transpiler.result import Result, result_of
from transpiler.translation_state import Phase, TranspileOptions, Work

BAD_SOURCE = "source config is invalid"
BAD_PARTS = "a part of the config is invalid"
BAD_RESULT = "config generated was invalid"
BAD_TARGET = "the target cannot read the config"
SECOND_DOCUMENT = "the text has more than one document"


def transpile(text: bytes, options: TranspileOptions | None = None) -> Result:
    """Translate a YAML config; return its JSON and its problems. It does not raise for any bytes."""
    options = _with_values(options or TranspileOptions())
    work = run(text, options)
    if not options.butane_paths:
        if ignored_text := list(second_document(text)):
            work.problems += ignored_text
            work.error = work.error or SECOND_DOCUMENT
        if options.lints:
            _for_authors(work)
    return result_of(work)


def _with_values(options: TranspileOptions) -> TranspileOptions:
    """The options with values for the tags if tags have a meaning, and without if not."""
    if options.butane_paths:
        return options._replace(values=None)
    if options.values is None and (options.lints or options.bases):
        from transpiler.composition.values import Values

        return options._replace(values=Values())
    return options


def _for_authors(work: Work) -> None:
    """Replace Butane's problems by those for authors: with better explanations, and with warnings of lints."""
    from transpiler.lint.for_authors import LintInput, problems_for_authors

    lines, files = work.source_text("").all_lines(), work.options.files.directory
    source = LintInput(lines, work.root, work.record, work.variant, files, {}, work.options.release)
    work.problems = problems_for_authors(work.problems, source, work.options.ignore)
    found_in = {one.at.file for one in work.problems if one.at is not None} & source.local_files.keys()
    local = {name: SourceText(name, source.local_files[name], None, is_yaml=False) for name in found_in}
    work.other_texts = {**local, **work.other_texts}


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
    from transpiler.container_linux.phases import run as run_container_linux

    run_container_linux(work)
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


def _fit(work: Work) -> Iterable[Problem]:
    """Choose the version that is written, and return what the target cannot read."""
    from transpiler.releases.fitting import fit, old_problem, variant_problem

    release = work.options.release
    if work.old_config is not None:
        return [] if release is None else list(old_problem(release))
    fitted = fit(work.draft.config, work.variant.spec_minor, release, is_lowest=work.options.lowest)
    work.chosen_minor = fitted.spec_minor
    wrong = [] if release is None else list(variant_problem(work.variant.name, release))
    return [*wrong, *_at_source(work, fitted.problems)]


def _has_target(work: Work) -> bool:
    known = bool(work.variant.name) or work.old_config is not None
    return known and not work.error and (work.options.release is not None or work.options.lowest)


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
    Phase("target", _fit, _has_target, BAD_TARGET),
)
"""All phases from text to result. README shows the same names in the same order (a test compares them)."""
