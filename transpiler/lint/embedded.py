"""Lint about configs in local files that a config merges: the machine would refuse them."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.problems import Path, Problem, dotted
from provision.config.sniffing import is_yaml
from transpiler.lint.source import LintInput, remark
from transpiler.reading.local_files import FilesDirectory, LocalFileError

_MOST = 10
"""The number of errors of one file that are shown."""


def embedded_configs(source: LintInput) -> Iterator[Problem]:
    """Warnings about the errors of local configs under `ignition.config`. Butane checks only inline ones."""
    config = source.record.ignition.config
    references = [(("merge", index), one) for index, one in enumerate(config.merge)]
    for place, one in [*references, (("replace",), config.replace)]:
        if one.local and not one.compression:
            yield from _problems(one.local, ("ignition", "config", *place, "local"), source)


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
