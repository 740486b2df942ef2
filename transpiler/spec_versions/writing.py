"""A config in another version 3.x, and what that version cannot say."""

from __future__ import annotations

from typing import NamedTuple

from provision.config.format import Config
from provision.config.json_text.encode import encode
from provision.config.model import NEWEST, VERSIONS
from provision.config.problems import Problem
from provision.config.validate import validate
from transpiler.spec_versions.losses import Form, losses

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
        lost = tuple(one._replace(hint=one.hint or _hint(version)) for one in validation.problems if one.fatal)
    else:
        lost = tuple(losses(config, validation.config, Form(version)))
    return Written(version, text, lost)


def lowest(config: Config, indent: int = 0) -> Written:
    """The config in the lowest version that can say all of it, else in the newest version that is not experimental."""
    written = (write(config, version, indent) for version in range(NEWEST + 1))
    return next((one for one in written if not one.losses), write(config, NEWEST_STABLE, indent))


def _hint(version: int) -> str:
    return f"this is an error in version {VERSIONS[version]}"
