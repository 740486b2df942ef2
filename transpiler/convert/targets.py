"""What a config can be converted to: a version of Ignition's format, or YAML of a variant of Butane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.config.format import Config
from provision.config.model import NEWEST, VERSIONS
from provision.config.old_versions.format import OLD_VERSIONS
from provision.config.problems import Problem
from transpiler.butane.variants import Variant, table
from transpiler.convert.inputs import ConvertInput
from transpiler.spec_versions.writing import NEWEST_STABLE, Written, lowest, write

OLDEST_TARGET = 2
"""The oldest version 2.x that is written: those before it have neither `append` nor a file's owner by name."""

Target = Callable[[ConvertInput, int], Written]
"""Writes a source in another form. The number is the indentation of JSON. Paths of losses are those of the text."""


def target_names() -> tuple[str, ...]:
    """Everything that `--to` takes, without the versions of variants."""
    old = [version.removesuffix(".0") for version in OLD_VERSIONS[OLDEST_TARGET:]]
    new = [f"3.{minor}" for minor in range(NEWEST + 1)]
    return (*old, *new, *variants_for_authors())


def variants_for_authors() -> tuple[str, ...]:
    """The variants that a config can become. A MachineConfig has a name and a role, which no config says."""
    return tuple(dict.fromkeys(row.name for row in table().values() if not row.makes_machine_config))


def target(text: str, *, is_lowest: bool = False) -> Target | None:
    """The target of a version (`3.4`, `2.3.0`) or a variant (`fcos`, `fcos-1.5.0`), empty for the newest version.

    None if there is no such target. With `is_lowest`, the lowest version that suffices is written.
    """
    name, _, version = text.partition("-") if text[:1].isalpha() else ("", "", text)
    if name:
        rows = [row for row in table().values() if row.name == name and row.version.startswith(version)]
        known = name in variants_for_authors() and rows and (not version or rows[-1].version == version)
        return _of_newest(_Butane(tuple(rows), is_lowest=is_lowest).write) if known else None
    if is_lowest:
        return None if text else _of_newest(_lowest)
    new = {known: index for index, known in enumerate(VERSIONS)}
    old = {known: index for index, known in enumerate(OLD_VERSIONS[OLDEST_TARGET:], OLDEST_TARGET)}
    for full in (text, f"{text}.0", f"{text}.0-experimental"):
        if full in new:
            return _new(new[full])
        if full in old:
            return _old(old[full])
    return None if text else _new(NEWEST_STABLE)


def _lowest(source: ConvertInput, indent: int) -> Written:
    return _in_text(lowest(_config(source), indent), source)


def _of_newest(write_it: Target) -> Target:
    """A target that is made of the config 3.x: what that says otherwise than an old source is lost in it too."""

    def with_losses(source: ConvertInput, indent: int) -> Written:
        written = write_it(source, indent)
        return written._replace(losses=(*source.losses, *written.losses))

    return with_losses


def _new(version: int) -> Target:
    return _of_newest(lambda source, indent: _in_text(write(_config(source), version, indent), source))


def _old(version: int) -> Target:
    def write_it(source: ConvertInput, indent: int) -> Written:
        from transpiler.convert.to_old import rewrite_old, write_old

        if source.older is not None:
            return _in_text(rewrite_old(source.older, version, indent), source._replace(place=source.older_place))
        return _in_text(write_old(_config(source), version, indent), source)

    return write_it


def _config(source: ConvertInput) -> Config:
    return source.config or Config()


def _in_text(written: Written, source: ConvertInput) -> Written:
    return written._replace(losses=tuple(one._replace(path=source.place(one.path)) for one in written.losses))


class _Butane(NamedTuple):
    """Writes YAML of one of these versions of a variant."""

    rows: tuple[Variant, ...]
    is_lowest: bool

    def write(self, source: ConvertInput, _indent: int) -> Written:
        """Write the YAML, with the comments of the source."""
        from transpiler.convert.butane_yaml import butane_values, config_path, write_butane
        from transpiler.convert.comments import comments_of, placed

        known = comments_of(source.raw.decode("utf-8", "replace"), source.root)
        written: list[Written] = []
        for row in self._tried(source):
            values = butane_values(_config(source), row)
            comments, lost = placed(known, values, lambda path: source.place(config_path(path)))
            written.append(_in_text(write_butane(_config(source), row, comments), source))
            if not written[-1].losses:
                return written[-1]._replace(losses=tuple(_lost_comments(lost)))
        return written[-1]

    def _tried(self, source: ConvertInput) -> tuple[Variant, ...]:
        """The versions that are tried, the best one first; if none suffices, the last one counts."""
        newest_of_spec = {row.spec_minor: row for row in self.rows}
        stable = [row for row in newest_of_spec.values() if row.spec_minor <= NEWEST_STABLE]
        newest = (stable or list(newest_of_spec.values()))[-1]
        if self.is_lowest:
            return (*newest_of_spec.values(), newest)
        if source.version is None:
            return (newest,)
        known = newest_of_spec.values() if source.version == NEWEST else stable
        return (next((row for row in known if row.spec_minor >= source.version), newest),)


def _lost_comments(lines: int) -> Iterator[Problem]:
    if lines:
        message = f"comments are left out, because nothing is made of what they are about: {lines} lines"
        yield Problem((), message, fatal=False, rule="lost-comments")
