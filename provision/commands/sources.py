"""Configs given on a command line: JSON, or the YAML source, whichever it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from provision.config.format import Config
from provision.failures import ConfigInvalid, Failure, Usage

if TYPE_CHECKING:
    from provision.fetch.resources import Fetcher


class Source(NamedTuple):
    """A config as it was given: the name to show, and its bytes."""

    name: str
    text: bytes

    @property
    def is_yaml(self) -> bool:
        """JSON begins with a brace (or a bracket, and is then refused as JSON); everything else is taken for YAML."""
        return self.text.lstrip()[:1] not in {b"{", b"[", b""}


def read_source(name: str) -> Source:
    """Read a file, or standard input for `-`. Raises Failure."""
    if name == "-":
        return Source("<stdin>", sys.stdin.buffer.read())
    try:
        with open(name, "rb") as file:
            return Source(name, file.read())
    except IsADirectoryError:
        raise Usage(f"{name} is a directory, not a config") from None
    except OSError as error:
        raise Failure(f"{name}: {error.strerror}") from None


def judged(source: Source, files_dir: str | None, *, color: bool) -> tuple[Config, str]:
    """The config and a report of its warnings (with their places), which may be empty. Raises ConfigInvalid."""
    return _from_yaml(source, files_dir, color) if source.is_yaml else _from_json(source, color)


def whole(config: Config) -> tuple[Config, Fetcher]:
    """The config with those it names merged in, and the fetcher that it asks for. Raises FetchFailed, ConfigInvalid."""
    from provision.fetch.render import render
    from provision.fetch.resources import Fetcher
    from provision.fetch.settings import Settings

    rendered = render(config, Fetcher(Settings(), warn), warn)
    return rendered.config, rendered.fetcher


def warn(level: str, message: str) -> None:
    """A log for people: what is at least a warning goes to standard error."""
    if level not in {"debug", "info", "notice"}:
        print(f"{level}: {message}", file=sys.stderr)


def _from_json(source: Source, color: bool) -> tuple[Config, str]:
    from provision.config.judge import judge
    from provision.config.reports import as_text, findings

    judgement = judge(source.text)
    found = findings(source.name, source.text, judgement.problems)
    text = as_text(found, excerpts=color, color=color).rstrip()
    if judgement.config is None:
        raise ConfigInvalid(judgement.problems, source=source.name, error=judgement.error, report=text)
    return judgement.config, text


def _from_yaml(source: Source, files_dir: str | None, color: bool) -> tuple[Config, str]:
    """The one place where the engine loads the transpiler."""
    from pathlib import Path

    from transpiler.transpile import transpile

    result = transpile(source.text, name=source.name, files_dir=Path(files_dir) if files_dir else None)
    if result.config is None:
        raise ConfigInvalid(result.problems, source=source.name, report=result.render(color=color))
    return result.config, result.render(color=color) if result.problems else ""
