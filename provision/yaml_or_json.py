"""Validate the bytes of a config: JSON, YAML or a cloud-config. The result is the config and every problem in it.

This is the one place of the engine that loads the transpiler, and only for YAML and cloud-configs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from provision.config.format import Config
from provision.config.machine_addresses import Addresses, no_addresses
from provision.config.problems import Problem
from provision.config.sniffing import is_cloud_config, is_yaml
from provision.failures import FetchFailed

if TYPE_CHECKING:
    from provision.config.reports.findings import Finding
    from transpiler import Result
    from transpiler.composition.values import Values


Locate = Callable[[Sequence[Problem]], "Sequence[Finding]"]
"""Returns, for problems of the config, findings with their places in its source text, in the same order."""


class Outcome(NamedTuple):
    """A config (None if it has errors), all findings with their places, and a general error if there is no config.

    `secrets` are the values of `!secret` that are known; JSON does not say which of its values are secrets.
    """

    config: Config | None
    findings: Sequence[Finding]
    error: str
    locate: Locate
    secrets: frozenset[str] = frozenset()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of all findings, without places."""
        return tuple(finding.problem for finding in self.findings)


NOT_ON_MACHINES = "transpiler.container_linux.phases"
"""The module for Container Linux Configs, which an initramfs does not have (dracut/engine/collect.py)."""

NOT_CONVERTED = "the cloud-config says what no Ignition config can say"


def validate_text(  # noqa: PLR0913 - what the kinds of texts need
    raw: bytes,
    name: str,
    files_dir: str | None = None,
    *,
    lints: bool = False,
    addresses: Addresses = no_addresses,
    suffix: str = "",
) -> Outcome:
    """Validate a config. `name` is the file or URL to show; YAML may embed files below `files_dir`.

    With `lints`, an author's YAML also gets the warnings and explanations that only authors need. `addresses` are those
    that a cloud-config may name; `suffix` belongs to the names of what is made of it.

    Raises FetchFailed for YAML if the transpiler is not installed; most initramfs do not have it.
    """
    if is_cloud_config(raw):
        return _validate_cloud_config(raw, name, addresses, suffix)
    return _validate_yaml(raw, name, files_dir, lints=lints) if is_yaml(raw) else _validate_json(raw, name)


def _validate_json(raw: bytes, name: str) -> Outcome:
    from provision.config.validate import validate

    validation = validate(raw)
    problems = validation.problems or _about_all(validation.error)

    def locate(problems: Sequence[Problem]) -> Sequence[Finding]:
        return _findings(name, raw, [one._replace(path=validation.path_in_text(one.path)) for one in problems])

    found = _findings(name, raw, problems) if problems else ()
    return Outcome(validation.config, found, validation.error, locate)


def _findings(name: str, raw: bytes, problems: Sequence[Problem]) -> Sequence[Finding]:
    from provision.config.reports.findings import findings

    return findings(name, raw, problems)


def _about_all(error: str) -> tuple[Problem, ...]:
    """A problem for an error that is about a whole text."""
    from provision.config.model import VERSIONS
    from provision.config.validate import EMPTY, NO_VERSION

    if not error:
        return ()
    hints = {EMPTY: "the file has no content", NO_VERSION: 'write "ignition": {"version": "3.4.0"} at the top'}
    path = () if error == EMPTY else ("ignition", "version")
    return (Problem(path, error, hint=hints.get(error, f"known versions are {', '.join(VERSIONS)}")),)


def cloud_config_report(raw: bytes) -> list[str]:
    """The lines that `coreos-cloudinit -validate` reports about a cloud-config. Raises FetchFailed as validate_text."""
    try:
        from transpiler.cloud_config.validator import validated
    except ImportError as error:
        raise FetchFailed("user-data", f"is a cloud-config, which cannot be read here: {error}") from error
    return [str(entry) for entry in validated(raw)]


def _validate_cloud_config(raw: bytes, name: str, addresses: Addresses, suffix: str) -> Outcome:
    """A cloud-config is taken if nothing of it is lost."""
    from provision.config.machine_addresses import named_addresses

    try:
        from transpiler.cloud_config.conversion import convert

        known = addresses() if named_addresses(raw) else {}
        converted = convert(raw, name=name, addresses=known, suffix=suffix)
    except ImportError as error:
        hint = "convert it (transpile convert), or put the transpiler and the Python package yaml into the initramfs"
        raise FetchFailed(name, f"is a cloud-config, which cannot be read here: {error}", hint=hint) from error
    error_text = "" if converted.config else NOT_CONVERTED
    return Outcome(converted.config, converted.findings(), error_text, converted.findings_of_config)


def _validate_yaml(raw: bytes, name: str, files_dir: str | None, *, lints: bool) -> Outcome:
    try:
        from transpiler import TranspileOptions, transpile

        values = _values() if lints else None
        result = transpile(raw, TranspileOptions(name=name, files_dir=files_dir, lints=lints, values=values))
    except ImportError as error:
        if error.name == NOT_ON_MACHINES:
            told = "is a Container Linux Config, which no machine reads"
            raise FetchFailed(name, told, hint="make Ignition JSON of it: transpile CONFIG") from error
        hint = "transpile it to JSON, or put the transpiler and the Python package yaml into the initramfs"
        raise FetchFailed(name, f"is not JSON, and YAML cannot be read here: {error}", hint=hint) from error
    if result.draft is None and not result.error:
        return _from_old_version(result, name)
    secrets = frozenset(values.known_secrets()) if values else frozenset()
    return Outcome(result.config, result.findings(), result.error, result.findings_of_config, secrets)


def _values() -> Values:
    """The values of the author's tags: those of the environment. Raises ImportError."""
    from transpiler.composition.values import read_values

    return read_values()


def _from_old_version(result: Result, name: str) -> Outcome:
    """The outcome of a Container Linux Config, which becomes Ignition 2.3. Its own findings have places in the text."""
    from provision.config.reports.findings import Finding

    def without_place(problems: Sequence[Problem]) -> Sequence[Finding]:
        return [Finding(name, one) for one in problems]

    converted = _validate_json(result.json.encode(), name)
    refused = without_place(converted.problems) if converted.config is None else ()
    return Outcome(converted.config, [*result.findings(), *refused], converted.error, without_place)
