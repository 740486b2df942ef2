"""Read the config that `explain`, `diff` and `pack` were given, and print why there is none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from provision.config.format import Config
    from transpiler.butane.records import OpenShift
    from transpiler.result import Result
    from transpiler.translation_state import TranspileOptions


class ConfigRefused(Exception):
    """A config cannot be read, or has errors. `report` is what to print."""

    def __init__(self, report: str) -> None:
        super().__init__(report)
        self.report = report


def read_given(name: str) -> bytes:
    """The bytes of a file, or of standard input for `-`, without the compression of `pack`. Raises ConfigRefused."""
    from provision.config.reports.findings import escaped
    from provision.config.reports.streams import reason_of
    from transpiler.reading.compressed import uncompressed
    from transpiler.reading.tree import read_input

    try:
        return uncompressed(read_input("" if name == "-" else name))
    except OSError as error:
        raise ConfigRefused(f"{escaped(name)}: error: cannot be read: {reason_of(error)}\n") from None


def translated(raw: bytes, name: str, options: TranspileOptions) -> Result:
    """The result for a config in YAML, never a MachineConfig. Raises ConfigRefused.

    Without `options.files_dir`, local files are beside the config.
    """
    from provision.config.reports.text import as_text
    from transpiler.phases import transpile

    shown, directory = "<stdin>" if name == "-" else name, options.files_dir or os.path.dirname(name) or "."
    options = options._replace(name=shown, files_dir=directory, raw=True, lints=False)
    result = transpile(raw, options)
    if result.config is None or result.failed:
        explained = transpile(raw, options._replace(lints=True)).findings()
        raise ConfigRefused(as_text([one for one in explained if one.problem.fatal], excerpts=True, color=False))
    return result


class GivenConfig(NamedTuple):
    """A config, and the version of the format that it is written in, an index into VERSIONS; None for 1 and 2.x.

    `cluster_config` is the author's record if it becomes a MachineConfig, which a cluster hands to its machines.
    """

    config: Config
    spec_minor: int | None
    cluster_config: OpenShift | None = None


def given_config(name: str, options: TranspileOptions) -> GivenConfig | None:
    """The config in a file, JSON or YAML, for a release if there is one; None if it has errors, which are printed.

    Without `options.files_dir`, local files are beside the config.
    """
    try:
        return config_of(read_given(name), name, options)
    except ConfigRefused as refused:
        sys.stderr.write(refused.report)
        return None


def config_of(raw: bytes, name: str, options: TranspileOptions) -> GivenConfig:
    """The config of a text, JSON or YAML, that messages call `name`. Raises ConfigRefused."""
    from provision.config.reports.findings import escaped, findings
    from provision.config.reports.text import as_text
    from provision.config.validate import validate

    if _is_for_people(raw):
        result = translated(raw, name, options)
        if result.config is None:
            raise ConfigRefused("")
        return GivenConfig(result.config, result.spec_minor, result.cluster_config)
    name = "<stdin>" if name == "-" else name
    validated = validate(raw)
    config, version, problems = validated.config, validated.version, validated.problems
    if config is None and not problems:
        raise ConfigRefused(f"{escaped(name)}: error: {validated.error}\n")
    if config is not None and version is not None and options.release is not None and not config.older:
        from transpiler.releases.fitting import fit

        version, problems = fit(config, version, options.release, is_lowest=False)
    wrong = [one for one in findings(name, raw, problems) if one.problem.fatal]
    if config is None or wrong:
        raise ConfigRefused(as_text(wrong, excerpts=True, color=False))
    return GivenConfig(config, None if config.older else version)


def _is_for_people(raw: bytes) -> bool:
    """Whether a text is YAML, or YAML in the form of JSON, which names a variant."""
    from provision.config.sniffing import is_yaml

    if is_yaml(raw):
        return True
    if b'"variant"' not in raw:
        return False
    import json

    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "variant" in document
