"""Configs given on a command line: JSON, or the YAML source."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from provision import yaml_or_json
from provision.commands.config_places import ConfigPart, ConfigPlaces, without_secrets
from provision.commands.timeout import HINT
from provision.config.format import Config
from provision.config.json_text.parse import MAX_BYTES
from provision.config.problems import Path, Problem
from provision.config.reports.streams import reason_of
from provision.config.reports.text import takes_colour
from provision.failures import ConfigInvalid, Failure, FetchFailed, Usage
from provision.threads import start_thread

if TYPE_CHECKING:
    from provision.config.reports.findings import Finding
    from provision.fetch.references import ReferencedConfig, Rendered
    from provision.fetch.resources import Fetcher


class ConfigText(NamedTuple):
    """A config as it was given: the name to show, and its bytes."""

    name: str
    text: bytes


def read_text(name: str) -> ConfigText:
    """Read a file, or standard input for `-`: at most one byte more than a config may have. Raises Failure.

    User data that are compressed as a whole are decompressed, as on a machine.
    """
    from provision.fetch.user_data.compression import decompressed
    from provision.system.zstd import unzstd

    shown = "<stdin>" if name == "-" else name
    return ConfigText(shown, decompressed(read_file(name, MAX_BYTES, "config"), shown, unzstd))


def read_file(name: str, limit: int, what: str) -> bytes:
    """The bytes of a file, or of standard input for `-`: at most one more than the limit. Raises Failure."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(limit + 1)
        with open(name, "rb") as file:
            return file.read(limit + 1)
    except IsADirectoryError:
        raise Usage(f"{name} is a directory, not a {what}") from None
    except OSError as error:
        raise Failure(f"{'standard input' if name == '-' else name}: cannot be read: {reason_of(error)}") from None


def validate_given(source: ConfigText, files_dir: str | None) -> yaml_or_json.Outcome:
    """Validate JSON, or YAML (which may embed files below `files_dir`)."""
    return yaml_or_json.validate_text(source.text, source.name, files_dir, lints=True)


class GivenConfig(NamedTuple):
    """A config with the configs that it refers to merged in, a fetcher with its settings, and its places."""

    config: Config
    fetcher: Fetcher
    places: ConfigPlaces


def read_whole(name: str, files_dir: str | None, seconds: float) -> GivenConfig:
    """The config of that name with the configs that it refers to; gives up after `seconds` (0 is without limit).

    Warnings go to standard error. Raises Failure.
    """
    given = _read(name, files_dir)
    with without_secrets(given.secrets):
        rendered = merge_references(given.config, seconds)
    others = []
    for part in rendered.parts:
        locate = _located_at(part.embedded, given.locate) if part.embedded else _locate_later(part)
        others.append(ConfigPart(part.config, locate))
    places = ConfigPlaces(rendered.config, [given, *others])
    _report_merged(rendered.problems, places)
    return GivenConfig(rendered.config, rendered.fetcher, places)


def _report_merged(problems: Sequence[Problem], places: ConfigPlaces) -> None:
    """Print problems that come from merging, at the places of the values. Raises ConfigInvalid if one is an error."""
    from provision.config.reports.text import as_text

    if not problems:
        return
    text = as_text(places.findings(problems), excerpts=True, color=takes_colour(sys.stderr))
    if any(one.fatal for one in problems):
        raise ConfigInvalid(problems, source="the config with those that it names", report=text.rstrip())
    sys.stderr.write(text)


def _located_at(embedded: Sequence[Path], locate_given: yaml_or_json.Locate) -> yaml_or_json.Locate:
    """A function that finds places in a config that another one holds: the line is that of the first reference."""
    first, *others = embedded

    def locate(problems: Sequence[Problem]) -> Sequence[Finding]:
        found = []
        for problem in problems:
            (outer,) = locate_given([problem._replace(path=(*first, "source"))])
            inner = [part for reference in others for part in (*reference, "source")]
            path = (*outer.problem.path, *inner, *problem.path)
            found.append(outer._replace(problem=outer.problem._replace(path=path)))
        return found

    return locate


def _locate_later(part: ReferencedConfig) -> yaml_or_json.Locate:
    """A function that finds the places in a referenced config; only a call of it reads the text again."""

    def locate(problems: Sequence[Problem]) -> Sequence[Finding]:
        from provision.fetch.user_data.compression import decompressed
        from provision.system.zstd import unzstd

        return yaml_or_json.validate_text(decompressed(part.raw, part.source, unzstd), part.source).locate(problems)

    return locate


def read_given_config(name: str, files_dir: str | None = None) -> Config:
    """The config of that name; its warnings go to standard error. Raises Failure."""
    return _read(name, files_dir).config


def _read(name: str, files_dir: str | None) -> ConfigPart:
    return accepted(read_text(name), files_dir)


def accepted(source: ConfigText, files_dir: str | None) -> ConfigPart:
    """The config of a text; its warnings go to standard error. Raises ConfigInvalid."""
    from provision.config.reports.text import as_text

    verdict = validate_given(source, files_dir)
    text = as_text(verdict.findings, excerpts=True, color=takes_colour(sys.stderr))
    if verdict.config is None:
        raise ConfigInvalid(verdict.problems, source=source.name, error=verdict.error, report=text.rstrip())
    sys.stderr.write(text)
    return ConfigPart(verdict.config, verdict.locate, verdict.secrets)


def merge_references(config: Config, seconds: float) -> Rendered:
    """The config with the configs that it refers to merged in, and a fetcher with its settings. It is not validated.

    Gives up after `seconds`; 0 is without limit. Raises FetchFailed, ConfigInvalid.
    """
    from threading import Event

    from provision.fetch.references import render
    from provision.fetch.resources import Fetcher
    from provision.fetch.settings import FetchSettings
    from provision.fetch.stop_event import StopEvent
    from provision.system.zstd import unzstd

    stop, over = StopEvent(), Event()

    def give_up() -> None:
        if not over.wait(seconds):
            stop.set()

    if seconds:
        start_thread(give_up)
    try:
        return render(config, Fetcher(FetchSettings(unzstd=unzstd), warn, stop=stop), warn)
    except FetchFailed as failed:
        if not stop.is_set():
            raise
        raise FetchFailed(failed.url, f"gave up after {seconds:g} s", hint=HINT) from failed
    finally:
        over.set()


def warn(level: str, message: str) -> None:
    """A log for people: notices, warnings and errors go to standard error."""
    if level not in {"debug", "info"}:
        print(f"{level}: {message}", file=sys.stderr, flush=True)
