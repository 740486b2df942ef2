"""Configs given on a command line: JSON, or the YAML source, whichever it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from provision.config.format import Config
from provision.config.problems import Problem
from provision.config.reports.text import takes_colour
from provision.config.sniffing import is_yaml
from provision.failures import ConfigInvalid, Failure, Usage

if TYPE_CHECKING:
    from provision.config.reports.findings import Finding
    from provision.fetch.resources import Fetcher


class ConfigText(NamedTuple):
    """A config as it was given: the name to show, and its bytes."""

    name: str
    text: bytes


def read_text(name: str) -> ConfigText:
    """Read a file, or standard input for `-`. Raises Failure."""
    try:
        if name == "-":
            return ConfigText("<stdin>", sys.stdin.buffer.read())
        with open(name, "rb") as file:
            return ConfigText(name, file.read())
    except IsADirectoryError:
        raise Usage(f"{name} is a directory, not a config") from None
    except OSError as error:
        raise Failure(f"{'standard input' if name == '-' else name}: {error.strerror}") from None


class Outcome(NamedTuple):
    """What became of a source: its config if it has one, everything found in it, and the last word if it has none."""

    config: Config | None
    findings: Sequence[Finding]
    error: str


def validate_text(source: ConfigText, files_dir: str | None) -> Outcome:
    """Judge JSON, or YAML (which may embed files below `files_dir`)."""
    return _judge_yaml(source, files_dir) if is_yaml(source.text) else _judge_json(source)


def read_config(name: str, files_dir: str | None = None) -> Config:
    """The config of that name, its warnings told on standard error. Raises Failure."""
    from provision.config.reports.text import as_text

    source = read_text(name)
    verdict = validate_text(source, files_dir)
    text = as_text(verdict.findings, excerpts=True, color=takes_colour(sys.stderr))
    if verdict.config is None:
        problems = [finding.problem for finding in verdict.findings]
        raise ConfigInvalid(problems, source=source.name, error=verdict.error, report=text.rstrip())
    sys.stderr.write(text)
    return verdict.config


def merge_references(config: Config) -> tuple[Config, Fetcher]:
    """The config with those it names merged in, and the fetcher that it asks for. Raises FetchFailed, ConfigInvalid."""
    from provision.fetch.references import render
    from provision.fetch.resources import Fetcher
    from provision.fetch.settings import Settings

    rendered = render(config, Fetcher(Settings(), warn), warn)
    return rendered.config, rendered.fetcher


def warn(level: str, message: str) -> None:
    """A log for people: what is waited for, and worse, goes to standard error."""
    if level not in {"debug", "info"}:
        print(f"{level}: {message}", file=sys.stderr, flush=True)


def _judge_json(source: ConfigText) -> Outcome:
    from provision.config.reports.findings import findings
    from provision.config.validate import validate

    validation = validate(source.text)
    problems = validation.problems or _verdict(validation.error)
    return Outcome(validation.config, findings(source.name, source.text, problems), validation.error)


def _verdict(error: str) -> tuple[Problem, ...]:
    """A verdict about a text as a whole, as a problem."""
    from provision.config.model import VERSIONS
    from provision.config.validate import EMPTY, NO_VERSION

    if not error:
        return ()
    hints = {EMPTY: "the file has no content", NO_VERSION: 'write "ignition": {"version": "3.4.0"} at the top'}
    path = () if error == EMPTY else ("ignition", "version")
    return (Problem(path, error, hint=hints.get(error, f"known versions are {', '.join(VERSIONS)}")),)


def _judge_yaml(source: ConfigText, files_dir: str | None) -> Outcome:
    """The one place where commands load the transpiler."""
    from transpiler import transpile

    result = transpile(source.text, name=source.name, files_dir=files_dir)
    return Outcome(result.config, result.findings(), result.error)
