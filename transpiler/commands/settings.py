"""Settings of a repository: `.transpile.toml`, or the table `[tool.transpile]` of `pyproject.toml`.

They are searched in the working directory and the directories above it, up to the top of the repository. An option of
the command line overrides a setting; lists of both are joined.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from provision.config.reports.did_you_mean import did_you_mean

if TYPE_CHECKING:
    from transpiler.composition.values import Values
    from transpiler.releases.table import Release

MAX_BYTES = 1 << 20
"""The number of bytes of a settings file that are read."""


class SettingsError(Exception):
    """A settings file cannot be used. The message has its name and the reason."""


class CheckSettings(NamedTuple):
    """How configs are checked. Without `files_dir`, local files are searched in the directory of each config."""

    files_dir: str | None = None
    strict: bool = False
    exclude: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    vars_file: str | None = None
    secrets_file: str | None = None
    target: str | None = None


KINDS = {
    "files-dir": str,
    "strict": bool,
    "exclude": list,
    "ignore": list,
    "vars-file": str,
    "secrets-file": str,
    "target": str,
}

_KIND_NAMES = {str: "a text", bool: "true or false", list: "a list of texts"}


def settings_here() -> CheckSettings:
    """The settings for the working directory; the defaults if there is no settings file. Raises SettingsError."""
    try:
        folder = os.getcwd()
    except OSError:  # it was removed
        return CheckSettings()
    return settings_above(folder)


def settings_above(folder: str) -> CheckSettings:
    """The settings for the configs in a directory. Raises SettingsError."""
    for path, tables in _places(folder):
        if os.path.isfile(path):
            table = _table(path, tables)
            if table is not None:
                return _settings(table, os.path.relpath(path))
    return CheckSettings()


def settings_places() -> set[str]:
    """The paths where a settings file for the working directory is searched."""
    try:
        return {path for path, _ in _places(os.getcwd())}
    except OSError:  # it was removed
        return set()


def _places(folder: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The paths of settings files for a directory, nearest first, and the names of the tables that settings are in."""
    while True:
        for name, tables in ((".transpile.toml", ()), ("pyproject.toml", ("tool", "transpile"))):
            yield os.path.join(folder, name), tables
        above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = above


def _table(path: str, tables: tuple[str, ...]) -> dict[str, Any] | None:
    """The table of settings in a file; None if the file has none."""
    shown = os.path.relpath(path)
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES)
    except OSError as error:
        raise SettingsError(f"{shown}: cannot be read: {(error.strerror or '').lower()}") from None
    if tables and re.search(rb"tool\s*\.\s*[\"']?transpile", text) is None:
        return None
    import tomllib

    try:
        value: Any = tomllib.loads(text.decode())
    except ValueError as error:
        raise SettingsError(f"{shown}: {error}") from None
    except RecursionError:
        raise SettingsError(f"{shown}: values are nested too deeply") from None
    for name in tables:
        value = value.get(name) if isinstance(value, dict) else None
    if value is not None and not isinstance(value, dict):
        raise SettingsError(f"{shown}: {'.'.join(tables)} is not a table")
    return value


def _settings(table: dict[str, Any], shown: str) -> CheckSettings:
    for name, value in table.items():
        kind = KINDS.get(name)
        if kind is None:
            raise SettingsError(f"{shown}: unknown setting {name}{did_you_mean(name, KINDS)}")
        texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not isinstance(value, kind) or (kind is list and not texts):
            raise SettingsError(f"{shown}: {name} is not {_KIND_NAMES[kind]}")
    return CheckSettings(
        _below(table, "files-dir", shown),
        table.get("strict", False),
        tuple(table.get("exclude", ())),
        tuple(table.get("ignore", ())),
        _below(table, "vars-file", shown),
        _below(table, "secrets-file", shown),
        table.get("target"),
    )


def _below(table: dict[str, Any], name: str, shown: str) -> str | None:
    """The path of a setting, which is below the settings file; None if it is not set."""
    if name not in table:
        return None
    simple = os.path.normpath(table[name])
    if os.path.isabs(simple) or simple.startswith(".."):
        raise SettingsError(f"{shown}: {name} is outside the directory of this file; use the option --{name} instead")
    return os.path.join(os.path.dirname(shown), simple)


def release_given(name: str | None) -> Release | None:
    """The release that a target names; None without a name. Raises SettingsError if there is none of that name."""
    if name is None:
        return None
    from provision.config.reports.findings import escaped
    from transpiler.releases.table import releases

    if name not in releases():
        near = did_you_mean(name.lower(), releases())
        wrong = f"there is no target {escaped(name)}{near}" if name else "the target has no name"
        raise SettingsError(f"{wrong}; targets are {', '.join(releases())}")
    return releases()[name]


def files_of_settings(lists: Mapping[str, Sequence[str]], settings: CheckSettings) -> set[str]:
    """The paths of settings files, and of the files with values that the options and settings name."""
    named = {*lists["vars-file"], *lists["secrets-file"], settings.vars_file or "", settings.secrets_file or ""} - {""}
    return named | settings_places()


def values_given(
    lists: Mapping[str, Sequence[str]], settings: CheckSettings, *, without_secrets: bool = False
) -> Values:
    """The values of the options `var`, `vars-file` and `secrets-file`, and of the settings. Raises ValuesError.

    With `without_secrets`, a secret need not be known, and the file of secrets of the settings need not exist.
    """
    from transpiler.composition.values import read_values

    files, secrets = ([one] if one else [] for one in (settings.vars_file, settings.secrets_file))
    if without_secrets:
        secrets = [one for one in secrets if os.path.exists(one)]
    return read_values(
        lists["var"],
        [*files, *lists["vars-file"]],
        [*secrets, *lists["secrets-file"]],
        without_secrets=without_secrets,
    )
