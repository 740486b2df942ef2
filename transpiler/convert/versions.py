"""A config in another version 3.x, and what that version cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.config.format import Config
from provision.config.json_text.encode import encode
from provision.config.model import NEWEST, VERSIONS, Record
from provision.config.problems import Path, Problem
from provision.config.validate import validate

NEWEST_STABLE = NEWEST - 1
"""The newest version that is not experimental."""


class Written(NamedTuple):
    """The JSON of a config in a version, and what of the config the JSON does not hold or may not hold."""

    version: int
    text: str
    losses: tuple[Problem, ...]


def write(config: Config, version: int, indent: int = 0) -> Written:
    """The config in a version. It is read again and compared, so that nothing is lost without being named."""
    text = encode(config, version, indent)
    validation = validate(text.encode(errors="replace"))
    if validation.config is None:
        losses = tuple(one._replace(hint=one.hint or _hint(version)) for one in validation.problems if one.fatal)
    else:
        losses = tuple(_lost(config, validation.config, version, ()))
    return Written(version, text, losses)


def lowest(config: Config, indent: int = 0) -> Written:
    """The config in the lowest version that can say all of it, else in the newest version that is not experimental."""
    written = (write(config, version, indent) for version in range(NEWEST + 1))
    return next((one for one in written if not one.losses), write(config, NEWEST_STABLE, indent))


def _hint(version: int) -> str:
    return f"this is an error in version {VERSIONS[version]}"


def _lost(config: Record, again: Record, version: int, path: Path) -> Iterator[Problem]:
    """What differs between a record and what was read again."""
    for field in type(config).FIELDS:
        here, there = getattr(config, field.name), getattr(again, field.name)
        place = (*path, field.json)
        if here == there or (path == ("ignition",) and field.name == "version"):
            continue
        if not field.exists(version):
            message = f"{field.json} is not in version {VERSIONS[version]}"
            hint = f"it needs {VERSIONS[field.since]}" if field.is_published else ""
            yield Problem(place, message, hint=hint)
        elif field.many and field.record is not None and len(here) == len(there):
            for index, (one, other) in enumerate(zip(here, there, strict=True)):
                yield from _lost(one, other, version, (*place, index))
        elif field.record is not None and not field.many:
            yield from _lost(here, there, version, place)
        elif not (field.value_until and not here and not there):
            yield Problem(place, f"{field.json} means something else in version {VERSIONS[version]}")
