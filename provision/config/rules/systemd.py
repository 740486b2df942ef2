"""Rules about systemd units: their names and their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from provision.config.format import Config, Dropin, Systemd, Unit
from provision.config.problems import Problem
from provision.config.rules.declare import required, rule
from provision.config.rules.unit_text import BadUnit, sections_with_options

UNIT_SUFFIXES = (
    ".service",
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".snapshot",
    ".slice",
    ".scope",
)

_DIRECTORY = "/etc/systemd/system/"


@rule(Config)
def unit_owns_its_path(config: Config) -> Iterator[Problem]:
    """No file, directory or link has the path of a unit or drop-in with contents."""
    taken = {_DIRECTORY + unit.name for unit in config.systemd.units if unit.contents} | {
        f"{_DIRECTORY}{unit.name}.d/{dropin.name}"
        for unit in config.systemd.units
        for dropin in unit.dropins
        if dropin.contents
    }
    if not taken:
        return
    storage = config.storage
    nodes = chain(
        (("files", index, file.path) for index, file in enumerate(storage.files)),
        (("directories", index, directory.path) for index, directory in enumerate(storage.directories)),
        (("links", index, link.path) for index, link in enumerate(storage.links)),
    )
    for name, index, path in nodes:
        if path in taken:
            yield Problem(("storage", name, index, "path"), "path conflicts with systemd unit or dropin")


@rule(Systemd)
def template_can_be_enabled(systemd: Systemd) -> Iterator[Problem]:
    """An enabled instance of a template of the config needs an Install section there."""
    units = {unit.name: unit for unit in systemd.units}
    for index, unit in enumerate(systemd.units):
        instance = re.match(r"([^\n]+?)@[^\n]+?\.service\Z", unit.name) if unit.enabled else None
        if instance is None:
            continue
        name = f"{instance[1]}@.service"
        template = units.get(name)
        if template and template.contents and cannot_install(template.contents):
            message = f"template unit {quoted(name)} for {quoted(unit.name)} doesn't have Install section"
            yield Problem(("units", index, "contents"), message, fatal=False)


@rule(
    Unit,
    schema=required(
        "name",
        pattern=rf"\.(?:{'|'.join(suffix[1:] for suffix in UNIT_SUFFIXES)})$",
        patternErrorMessage="must end in a suffix of systemd's, such as .service",
    ),
)
def unit_is_sound(unit: Unit) -> Iterator[Problem]:
    """A unit's name has a suffix that systemd knows, and its text can be read."""
    if suffix(unit.name) not in UNIT_SUFFIXES:
        hint = f"one of {', '.join(UNIT_SUFFIXES)}"
        yield Problem(("name",), "invalid systemd unit extension", hint=hint)
    yield from bad_text(unit.contents)
    if unit.enabled and unit.contents and cannot_install(unit.contents):
        message = f"unit {quoted(unit.name)} is enabled, but has no install section so enable does nothing"
        yield Problem(("contents",), message, fatal=False, hint="add [Install] with WantedBy=multi-user.target")


@rule(Dropin, schema=required("name", pattern=r"\.conf$", patternErrorMessage="must end in .conf"))
def dropin_is_sound(dropin: Dropin) -> Iterator[Problem]:
    """A drop-in's text can be read, and its name ends in .conf, without which systemd ignores it."""
    yield from bad_text(dropin.contents)
    if suffix(dropin.name) != ".conf":
        yield Problem(("name",), "invalid systemd drop-in extension", hint="the name ends in .conf")


_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", '"': '"', "\\": "\\"}


def quoted(text: str) -> str:
    """A text in double quotes with every unprintable character escaped, as Go's `strconv.Quote` does."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return "\\" + _ESCAPES[character]
    if character.isprintable():
        return character
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def suffix(name: str) -> str:
    """What follows the last dot of the last part of a path, with the dot (Go's `path.Ext`)."""
    last = name.rpartition("/")[2]
    _, dot, suffix = last.rpartition(".")
    return dot + suffix if dot else ""


def bad_text(contents: str | None) -> Iterator[Problem]:
    """The problem of the text of a unit or drop-in that cannot be read."""
    try:
        sections_with_options(contents or "")
    except BadUnit as error:
        yield Problem(("contents",), f"invalid unit content: {error}")


def cannot_install(contents: str) -> bool:
    """Whether a readable text has no option in a section `Install`."""
    try:
        return "Install" not in sections_with_options(contents)
    except BadUnit:
        return False


RULES = (unit_owns_its_path, template_can_be_enabled, unit_is_sound, dropin_is_sound)
