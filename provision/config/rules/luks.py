"""Rules about encrypted volumes and how they are unlocked."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.clevis import has_clevis
from provision.config.format import ClevisCustom, Luks, Tang
from provision.config.json_text.parse import parse_json
from provision.config.model import VERSIONS
from provision.config.problems import Problem
from provision.config.resources.urls import HTTP_URL, URL_HINT, parse_url, url_error
from provision.config.rules.declare import (
    FILLED,
    NOT_EMPTY,
    NOT_ZERO,
    TRUE,
    Keywords,
    any_of,
    has,
    never,
    rule,
    versioned_rule,
)
from provision.config.rules.files_and_links import ABSOLUTE_PATH, bad_path

MAX_LUKS_LABEL = 47
CLEVIS_PINS = frozenset({"tpm2", "tang", "sss"})


@rule(
    Luks,
    schema={
        "required": ["device"],
        "properties": {
            "device": {"minLength": 1, **ABSOLUTE_PATH},
            "label": {"maxLength": MAX_LUKS_LABEL},
            "name": {"pattern": "^[^/]*$", "patternErrorMessage": "must not contain a slash"},
        },
    },
)
def luks_is_sound(luks: Luks) -> Iterator[Problem]:
    """A volume has a name that is possible below /dev/mapper, a label that fits the header, and a device."""
    if "/" in luks.name:
        yield Problem(("name",), "device names cannot contain slashes")
    if len((luks.label or "").encode()) > MAX_LUKS_LABEL:
        yield Problem(("label",), f"luks device labels cannot be longer than {MAX_LUKS_LABEL} characters")
    if not luks.device:
        yield Problem(("device",), "disk device is required")
    else:
        yield from bad_path(luks.device, "device")


_PINS = any_of(has("clevis.tang", NOT_EMPTY), has("clevis.tpm2", TRUE), has("clevis.threshold", NOT_ZERO))


@versioned_rule(
    Luks, schema=lambda version: never(has("clevis.custom.pin", FILLED), _PINS) if version >= _CUSTOM_BY_PIN else {}
)
def custom_pin_stands_alone(luks: Luks, version: int) -> Iterator[Problem]:
    """A custom pin excludes the others. In 3.2.0 an empty custom pin excludes them, too."""
    clevis = luks.clevis
    custom = clevis.is_set("custom") if version < _CUSTOM_BY_PIN else bool(clevis.custom.pin)
    if custom and (clevis.tang or clevis.tpm2 or clevis.threshold):
        yield Problem(("clevis",), "cannot use custom clevis config with tpm2, tang, or threshold")


_CUSTOM_BY_PIN = 3


@versioned_rule(Luks)
def key_file_has_a_good_source(luks: Luks, version: int) -> Iterator[Problem]:
    """A key file has a source that can be fetched. Ignition reports it at a field `keys`, which does not exist."""
    if luks.key_file.source and url_error(luks.key_file.source, version):
        yield Problem(("keys",), "invalid key-file source")


@rule(
    Luks,
    since="3.5",
    schema=never(
        has("cex.enabled", TRUE),
        any_of(has("clevis.custom.pin", FILLED), _PINS, has("keyFile.source", FILLED)),
    ),
)
def cex_excludes_others(luks: Luks) -> Iterator[Problem]:
    """A volume that is bound to a crypto card has no Clevis pin and no key file."""
    if not luks.cex.enabled:
        return
    if has_clevis(luks):
        yield Problem(("cex",), "cannot use cex with clevis")
    if luks.key_file.source:
        yield Problem(("cex",), "cannot use key file with cex")


def _custom_pin_keywords(version: int) -> Keywords:
    if version >= _ANY_PIN:
        return {}
    return {"properties": {"pin": {"enum": [*sorted(CLEVIS_PINS), "", None]}}}


@versioned_rule(ClevisCustom, schema=_custom_pin_keywords)
def custom_pin_is_complete(custom: ClevisCustom, version: int) -> Iterator[Problem]:
    """A custom pin has a name, up to 3.5 a known one, and a configuration."""
    wants_network = custom.needs_network and version >= _CUSTOM_BY_PIN
    if not (custom.pin or custom.config or wants_network):
        return
    if not custom.pin and version >= _CUSTOM_BY_PIN:
        yield Problem(("pin",), "missing required custom clevis pin")
    elif custom.pin not in CLEVIS_PINS and version < _ANY_PIN:
        hint = f"one of {', '.join(sorted(CLEVIS_PINS))}; any other needs {VERSIONS[_ANY_PIN]}"
        yield Problem(("pin",), "unsupported clevis pin", hint=hint)
    if not custom.config:
        yield Problem(("config",), "missing required custom clevis config")


_ANY_PIN = 6


@rule(
    Tang,
    schema={
        "required": ["thumbprint", "url"],
        "properties": {"thumbprint": {"minLength": 1}, "url": HTTP_URL},
    },
)
def tang_is_sound(tang: Tang) -> Iterator[Problem]:
    """A Tang server has a URL with http or https, and a thumbprint; its advertisement is JSON."""
    url = parse_url(tang.url)
    if url is None:
        yield Problem(("url",), "unable to parse url", hint=URL_HINT)
    elif url.scheme not in {"http", "https"}:
        yield Problem(("url",), "invalid url scheme", hint="Tang is reached by http or https")
    if not tang.thumbprint:
        yield Problem(("thumbprint",), "thumbprint is required")
    if tang.advertisement and parse_json(tang.advertisement.encode()).problem:
        yield Problem(("advertisement",), "advertisement is not valid JSON")


RULES = (
    luks_is_sound,
    custom_pin_stands_alone,
    key_file_has_a_good_source,
    cex_excludes_others,
    custom_pin_is_complete,
    tang_is_sound,
)
