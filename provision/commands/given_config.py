"""Configs given on a command line: JSON, or the YAML source, whichever it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from provision import yaml_or_json
from provision.commands.timeout import HINT
from provision.config.format import Config
from provision.config.reports.text import takes_colour
from provision.failures import ConfigInvalid, Failure, FetchFailed, Usage

if TYPE_CHECKING:
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


def validate_text(source: ConfigText, files_dir: str | None) -> yaml_or_json.Outcome:
    """Judge JSON, or YAML (which may embed files below `files_dir`)."""
    return yaml_or_json.validate_text(source.text, source.name, files_dir)


def read_config(name: str, files_dir: str | None = None) -> Config:
    """The config of that name, its warnings told on standard error. Raises Failure."""
    from provision.config.reports.text import as_text

    source = read_text(name)
    verdict = validate_text(source, files_dir)
    text = as_text(verdict.findings, excerpts=True, color=takes_colour(sys.stderr))
    if verdict.config is None:
        raise ConfigInvalid(verdict.problems, source=source.name, error=verdict.error, report=text.rstrip())
    sys.stderr.write(text)
    return verdict.config


def merge_references(config: Config, seconds: float) -> tuple[Config, Fetcher]:
    """The config with those it names merged in, and the fetcher that it asks for; gives up after so many seconds.

    0 is without limit. Raises FetchFailed, ConfigInvalid.
    """
    from threading import Event, Timer

    from provision.fetch.references import render
    from provision.fetch.resources import Fetcher

    stop = Event()
    timer = Timer(seconds, stop.set)
    timer.daemon = True
    if seconds:
        timer.start()
    try:
        rendered = render(config, Fetcher(None, warn, stop=stop), warn)
    except FetchFailed as failed:
        if not stop.is_set():
            raise
        raise FetchFailed(failed.url, f"gave up after {seconds:g} s", hint=HINT) from failed
    finally:
        timer.cancel()
    return rendered.config, rendered.fetcher


def warn(level: str, message: str) -> None:
    """A log for people: what is waited for, and worse, goes to standard error."""
    if level not in {"debug", "info"}:
        print(f"{level}: {message}", file=sys.stderr, flush=True)
