"""User data -> a config, whether compressed or not: JSON, YAML, a cloud-config of CoreOS, or a script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from provision.config.format import Config
from provision.config.machine_addresses import Addresses, no_addresses
from provision.config.problems import Problem
from provision.config.sniffing import BYTE_ORDER_MARK, is_cloud_config
from provision.failures import ConfigEmpty, ConfigInvalid
from provision.fetch.running_system import Unzstd, no_unzstd
from provision.fetch.user_data.compression import decompressed
from provision.log import Log
from provision.yaml_or_json import validate_text

if TYPE_CHECKING:
    from provision.config.reports.findings import Finding


class OtherForms(NamedTuple):
    """What user data may be besides a config: whether a script is run, and the addresses that it may name.

    `suffix` belongs to the names of what is made of a cloud-config.
    """

    scripts: bool = False
    addresses: Addresses = no_addresses
    suffix: str = ""


CONFIGS_ONLY = OtherForms()


def read_config(
    raw: bytes, source: str, log: Log, unzstd: Unzstd = no_unzstd, others: OtherForms = CONFIGS_ONLY
) -> Config:
    """The config in some bytes, compressed or not; warnings and errors are logged with their places.

    Raises ConfigEmpty, ConfigInvalid, or FetchFailed if the compression is damaged, or YAML cannot be read here.
    """
    raw = decompressed(raw, source, unzstd)
    if not raw:
        raise ConfigEmpty(source)
    if others.scripts and raw.startswith(b"#!"):
        from provision.fetch.user_data.script import script_config

        log("notice", f"{source}: this is a script, which runs once when the system has started")
        return script_config(raw, others.addresses)
    other = "" if is_cloud_config(raw) else other_format(raw)
    if other:
        problem = Problem((), f"this is {other}, not an Ignition config", hint=_hint(other), rule="other-config-format")
        raise ConfigInvalid([problem], source=source, error=problem.message)
    outcome = validate_text(raw, source, addresses=others.addresses, suffix=others.suffix)
    log_findings(outcome.findings, log)
    if outcome.config is None:
        errors = [f"{one.place}: {one.message}" for one in outcome.findings if one.problem.fatal]
        raise ConfigInvalid(outcome.problems, source=source, error=outcome.error, errors=errors)
    return outcome.config


def log_findings(findings: Iterable[Finding], log: Log) -> None:
    """Log each finding with its place."""
    for finding in findings:
        log(finding.problem.severity, f"{finding.place}: {finding.message}")


def _hint(other: str) -> str:
    if other == SCRIPT:
        return "to run it once, boot with provision.scripts=run, or write that into provision.conf of the image"
    return "" if other == WEB_PAGE else UNDERSTOOD


def other_format(raw: bytes) -> str:
    """The kind of user data that is not a config, in words; empty if it may be a config."""
    text = raw.removeprefix(BYTE_ORDER_MARK).lstrip()
    return next((name for beginning, name in OTHER_FORMATS.items() if text.startswith(beginning)), "")


SCRIPT = "a script (#!)"
WEB_PAGE = "a web page, perhaps a captive portal's"
UNDERSTOOD = (
    "give one of these alone: an Ignition config (JSON), Butane YAML, a text whose first line is #cloud-config, "
    "or, where the image allows it, a script"
)

OTHER_FORMATS: Mapping[bytes, str] = {
    b"#cloud-config": "cloud-init user data of another kind than #cloud-config",
    b"#!": SCRIPT,
    b"#include": "a cloud-init include list",
    b"Content-Type: multipart/": "a cloud-init MIME archive",
    b"## template: jinja": "a cloud-init template",
    **dict.fromkeys((b"<!DOCTYPE html", b"<!doctype html", b"<html"), WEB_PAGE),
}
