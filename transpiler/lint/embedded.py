"""Configs that a config merges, in local files and inline: the problems for which a machine would refuse them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provision.config.model import VERSIONS
from provision.config.problems import Path, Problem, dotted
from provision.config.sniffing import is_yaml
from transpiler.lint.source import LintInput, node_at, place_of_line, remark
from transpiler.reading.local_files import FilesDirectory, LocalFileError

_MOST = 10
"""The number of errors of one file that are shown."""


def embedded_configs(source: LintInput) -> Iterator[Problem]:
    """Warnings about the errors of local configs under `ignition.config`. Butane checks only inline ones."""
    for path, one in _references(source):
        if one.local and not one.compression:
            yield from _problems(one.local, (*path, "local"), source)


def inline_problems(source: LintInput) -> Iterator[Problem]:
    """The problems of inline configs under `ignition.config`, at the line of the inline text.

    Butane reports them with the paths that they have inside, as if they were those of the config itself.
    """
    from provision.config.reports.findings import findings
    from provision.config.validate import validate

    for path, one in _references(source):
        if one.inline is None:
            continue
        raw = one.inline.encode("utf-8", "surrogateescape")
        validation = validate(raw)
        if validation.version not in {None, source.variant.spec_minor}:
            continue
        place = (*path, "inline")
        if is_yaml(raw):
            message, hint = (
                "this config is YAML, but machines merge JSON",
                "run `transpile` on it, and write the result",
            )
            yield Problem(place, message, hint=hint, rule="invalid-config")
            continue
        if validation.error and not validation.problems:
            hint = f'write {{"ignition": {{"version": "{VERSIONS[source.variant.spec_minor]}"}}}} with what to merge'
            yield Problem(place, f"the config is not valid: {validation.error}", hint=hint, rule="invalid-config")
        node = node_at(source.root, place)
        for finding in findings("", raw, validation.problems):
            where = f"{dotted(finding.problem.path)}: " if finding.problem.path else ""
            line = place_of_line(node, source, finding.at.line - 1) if finding.at is not None else None
            indent = len(finding.line) - len(finding.line.lstrip(" "))
            at = line and line._replace(column=line.column - indent + finding.character)
            yield finding.problem._replace(
                path=place, message=f"{where}{finding.problem.message}", at=at, rule=finding.rule
            )


def _references(source: LintInput) -> Iterator[tuple[Path, Any]]:
    """The references to other configs, with their paths; none without a record."""
    if source.record is None:
        return
    config = source.record.ignition.config
    for index, one in enumerate(config.merge):
        yield ("ignition", "config", "merge", index), one
    yield ("ignition", "config", "replace"), config.replace


def _problems(name: str, path: Path, source: LintInput) -> Iterator[Problem]:
    try:
        raw = FilesDirectory(source.files_dir).read(name)
    except LocalFileError:
        return
    if is_yaml(raw):
        message = f"{name} is YAML, but machines merge JSON"
        yield remark(path, "embedded-config", message, "run `transpile` on it, and write the name of the result here")
        return
    from provision.config.reports.findings import findings
    from provision.config.validate import validate

    validation = validate(raw)
    wrong = [one for one in validation.problems if one.fatal]
    if validation.error and not wrong:
        yield remark(path, "embedded-config", f"{name}: {validation.error}", "write an Ignition config into this file")
    for finding in findings(name, raw, wrong[:_MOST]):
        where = f"{dotted(finding.problem.path)}: " if finding.problem.path else ""
        message = f"{finding.place}: {where}{finding.problem.message}"
        yield remark(path, "embedded-config", message, finding.problem.hint or f"correct {name}")
