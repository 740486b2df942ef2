"""The version of the format that a config is written in for a release, or the lowest one, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from provision.config.format import Config
from provision.config.json_text.encode import encode
from provision.config.model import VERSIONS
from provision.config.problems import Path, Problem
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.validate import validate
from transpiler.releases.table import Release, releases
from transpiler.spec_versions.writing import Written, lowest, write


class Fitted(NamedTuple):
    """The version that is written, an index into VERSIONS, and what keeps the release from reading the config."""

    spec_minor: int
    problems: tuple[Problem, ...]


def fit(config: Config, spec_minor: int, release: Release | None, *, is_lowest: bool) -> Fitted:
    """The version for a config that is written for `spec_minor`. Paths of problems are those of `config`.

    It is the version of the config if the release reads it, and with `is_lowest` the lowest that can say all.
    """
    embedded = tuple(_embedded(config, ()))
    wrong = () if release is None else tuple(_embedded_problems(embedded, release))
    if not is_lowest and (release is None or spec_minor <= release.spec_minor):
        return Fitted(spec_minor, wrong)
    config = _as_read(config, spec_minor)
    chosen = spec_minor
    if is_lowest:  # a machine that reads a config in this one reads the version of both
        chosen = max(_lowest(config, spec_minor), *(min(version, spec_minor) for _, version in embedded), 0)
    if release is None or chosen <= release.spec_minor:
        return Fitted(chosen, wrong)
    written = write(config, release.spec_minor)
    needed = _lowest(config, spec_minor)
    return Fitted(release.spec_minor, (*wrong, *_refusals(written, release, needed)))


def _as_read(config: Config, spec_minor: int) -> Config:
    """The config as a machine reads it in its own version, which may ignore bits of modes."""
    return validate(encode(config, spec_minor).encode(errors="replace")).config or config


def _embedded(config: Config, path: Path) -> Iterator[tuple[Path, int]]:
    """The path of each config that a config holds in itself, and its version 3.x; what that one holds has its path."""
    settings = config.ignition.config
    below = ("ignition", "config")
    parts = [((*below, "merge", index), one) for index, one in enumerate(settings.merge)]
    for place, resource in (*parts, ((*below, "replace"), settings.replace)):
        try:
            contents = inline_content(resource) if resource.source else None
        except ContentInvalid:
            contents = None
        validation = validate(contents) if contents else None
        if validation is not None and validation.config is not None and not validation.config.older:
            yield path or place, validation.version or 0
            yield from _embedded(validation.config, path or place)


def _embedded_problems(embedded: Iterable[tuple[Path, int]], release: Release) -> Iterator[Problem]:
    for path, version in embedded:
        if version > release.spec_minor:
            message = f"{release.name} reads version {release.spec} at most: this config in it has {VERSIONS[version]}"
            yield Problem(path, message, hint="write it with the same target", rule="target-version")


def variant_problem(variant: str, release: Release) -> Iterator[Problem]:
    """A warning that a config is made for another distribution, whose sugar may do what this one cannot use."""
    if release.variants and variant not in release.variants:
        message = f"variant {variant} is not made for {release.title}"
        hint = f"write variant: {' or '.join(sorted(release.variants))}, or choose another target"
        yield Problem(("variant",), message, fatal=False, hint=hint, rule="target-variant")


def old_problem(release: Release) -> Iterator[Problem]:
    """An error if a release does not read Ignition 2.3, which Container Linux Configs become."""
    if not release.reads_old:
        message = f"{release.title} does not read Ignition 2.3, which this Container Linux Config becomes"
        yield Problem((), message, hint="use transpile convert --to fcos", rule="target-version")


def _lowest(config: Config, spec_minor: int) -> int:
    """The lowest version that can say all; `spec_minor` if no version can."""
    written = lowest(config)
    return spec_minor if written.losses else min(written.version, spec_minor)


def _refusals(written: Written, release: Release, needed: int) -> Iterator[Problem]:
    for one in written.losses:
        message = f"{release.name} reads version {release.spec} at most: {one.message}"
        yield one._replace(message=message, fatal=True, hint=_remedy(release, needed), rule="target-version")


def _remedy(release: Release, needed: int) -> str:
    family = release.name.partition("-")[0]
    able = (one.name for one in releases().values() if one.name.startswith(f"{family}-") and one.spec_minor >= needed)
    first = next(able, "")
    other = f"choose {first} or a newer target, which reads {VERSIONS[needed]}" if first else ""
    return f"leave it out, or {other}" if other else f"leave it out; no {family} target reads {VERSIONS[needed]}"
