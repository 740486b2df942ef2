"""The result of translating one text: its JSON, its problems, and both as reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from provision.config.format import Config
from provision.config.problems import Problem
from provision.config.reports import findings as reports_findings
from provision.config.reports import text as reports
from transpiler.butane.records import OpenShift
from transpiler.butane.source_map import Draft, yaml_path
from transpiler.output_text import in_newest_version, output_text, too_large
from transpiler.reports.text import SourceText, butane_report, located, raw_line
from transpiler.translation_state import Work

STRICT_ERROR = "Config produced warnings and --strict was specified"


class Result(NamedTuple):
    """The result of transpiling one text.

    `json` is the output (YAML for a MachineConfig), empty if there is none. `config` is the same output as a value, and
    `spec_minor` is the minor version of its Ignition spec (an index into VERSIONS). `problems` are all problems; Butane
    reports the first `reported` of them. `error` is Butane's verdict, empty if there is no error. `draft` holds the
    author's path of each part of the config. `cluster_config` is the author's record if its variant makes a
    MachineConfig: it has the fields besides the Ignition config.

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
    cluster_config: OpenShift | None = None

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


def result_of(work: Work) -> Result:
    """The result of a completed run."""
    options = work.options
    written = "" if work.error else output_text(work, pretty=options.pretty)
    if not options.butane_paths:
        work.problems += too_large(written)
    _hide_secrets(work)
    if options.strict and work.problems and not work.error:
        work.error, written = STRICT_ERROR, ""
    shown = work.source_text(options.name)
    draft = None if work.error or work.old_config else work.draft
    spec_minor = work.spec_minor if work.variant.name else None
    config = draft and draft.config
    if work.old_config is not None and not work.error:
        config = in_newest_version(work.old_config)
    cluster_config = work.record if work.variant.makes_machine_config and isinstance(work.record, OpenShift) else None
    problems = tuple(work.problems)
    return Result(shown, written, config, spec_minor, problems, work.reported, work.error, draft, cluster_config)


def _hide_secrets(work: Work) -> None:
    """Remove from all problems the secrets that they quote, and problems of secrets that are not known."""
    if work.unknown_secrets:
        text = work.source_text("")
        work.problems = [one for one in work.problems if one.fatal or text.place(one) not in work.unknown_secrets]
    if work.secrets:
        from transpiler.composition.quoted_secrets import without_secrets

        work.problems = [without_secrets(one, work.secrets) for one in work.problems]
        work.error = without_secrets(Problem((), work.error), work.secrets).message
