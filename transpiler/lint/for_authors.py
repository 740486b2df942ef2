"""The problems that authors get: Butane's with better explanations, and those of lints, without silenced warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from provision.config.problems import Path, Problem
from transpiler.lint.accounts import accounts
from transpiler.lint.comments import cut_texts
from transpiler.lint.content.exposed import exposed_secrets
from transpiler.lint.content.files.judges import file_contents
from transpiler.lint.content.files.links import time_zones
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.newer_settings import newer_settings
from transpiler.lint.content.places import file_modes, places
from transpiler.lint.device_names import device_names
from transpiler.lint.embedded import embedded_configs
from transpiler.lint.explanations import explain_problems
from transpiler.lint.files_and_disks import (
    below_files,
    closed_directories,
    links_leaving_files_dir,
    numbers_out_of_range,
)
from transpiler.lint.kernel_arguments import kernel_arguments
from transpiler.lint.silenced import without_silenced
from transpiler.lint.source import LintInput
from transpiler.lint.templates import misspelled_tags, templates
from transpiler.lint.units.quadlets import quadlets
from transpiler.lint.units.references import missing_units
from transpiler.lint.units.settings import unit_settings
from transpiler.lint.units.unit_text import units
from transpiler.lint.units.whole_units import whole_units
from transpiler.reading.tree import place_of

LINTS: tuple[Callable[[LintInput], Iterator[Problem]], ...] = (
    templates,
    misspelled_tags,
    accounts,
    numbers_out_of_range,
    below_files,
    closed_directories,
    device_names,
    kernel_arguments,
    links_leaving_files_dir,
    units,
    whole_units,
    quadlets,
    unit_settings,
    missing_units,
    newer_settings,
    file_contents,
    time_zones,
    places,
    file_modes,
    exposed_secrets,
    embedded_configs,
    cut_texts,
)
"""All lints of Butane configs, in the order of their warnings."""

_OF_UNITS = (units, whole_units, quadlets, unit_settings, missing_units)

_BUTANE_ALONE = (numbers_out_of_range, links_leaving_files_dir, embedded_configs)

CONTAINER_LINUX_LINTS = tuple(lint for lint in LINTS if lint not in _BUTANE_ALONE)
"""The lints of Container Linux Configs: those about what both kinds of configs have."""

__all__ = ["CONTAINER_LINUX_LINTS", "LINTS", "LintInput", "problems_for_authors"]


def problems_for_authors(found: Sequence[Problem], source: LintInput, ignore: Iterable[str]) -> list[Problem]:
    """Butane's problems and those of lints, without the warnings of rules in `ignore` and in comments."""
    found_problems = list(explain_problems(found, source))
    if source.root is not None and source.record is not None:
        found_problems += _remarks(source, {one.path for one in found_problems if one.fatal and one.path})
    local = {name: raw.decode("utf-8", "replace").split("\n") for name, raw in source.local_files.items()}
    return without_silenced(
        found_problems, local | source.lines, lambda one: one.at or place_of(source.root, one.path), ignore
    )


def _remarks(source: LintInput, wrong: set[Path]) -> Iterator[Problem]:
    """The warnings of lints, without those at, below or above an error: they are probably consequences of it."""
    around = {path[:length] for path in wrong for length in range(1, len(path))}
    lints = LINTS if source.variant.name else CONTAINER_LINUX_LINTS
    if not _has_units(source):
        lints = tuple(lint for lint in lints if lint not in _OF_UNITS)
    for lint in lints:
        for one in lint(source):
            follows = one.path in around or any(one.path[:length] in wrong for length in range(1, len(one.path) + 1))
            if not follows or one.rule in _CAUSE_RULES:
                yield one


def _has_units(source: LintInput) -> bool:
    """Whether the config may bring units, drop-ins or quadlets, also as files."""
    systemd, storage = source.record.systemd, source.record.storage
    if systemd.units or getattr(systemd, "quadlets", ()) or getattr(storage, "trees", ()):
        return True
    return any(
        kind_of(file.path).reader in {"unit", "quadlet"} or "/containers/systemd" in file.path for file in storage.files
    )


_CAUSE_RULES = {"template", "comment-in-text", "typographic-quotes"}
"""Rules that give the cause of another error, so their warnings stay."""
