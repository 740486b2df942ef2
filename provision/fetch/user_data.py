"""User data -> a config, whether compressed or not, JSON or YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from provision.config.format import Config
from provision.config.problems import Problem
from provision.config.sniffing import BYTE_ORDER_MARK
from provision.failures import ConfigEmpty, ConfigInvalid
from provision.fetch.compression import decompressed
from provision.fetch.running_system import Run, no_programs
from provision.log import Log
from provision.yaml_or_json import validate_text

if TYPE_CHECKING:
    from provision.config.reports.findings import Finding


def read_config(raw: bytes, source: str, log: Log, run: Run = no_programs) -> Config:
    """The config in some bytes, compressed or not; warnings and errors are logged with their places.

    Raises ConfigEmpty, ConfigInvalid, or FetchFailed if the compression is damaged, or YAML cannot be read here.
    """
    raw = decompressed(raw, source, run)
    if not raw:
        raise ConfigEmpty(source)
    other = other_format(raw)
    if other:
        problem = Problem((), f"this is {other}, not an Ignition config")
        raise ConfigInvalid([problem], source=source, error=problem.message)
    outcome = validate_text(raw, source)
    log_findings(outcome.findings, log)
    if outcome.config is None:
        raise ConfigInvalid(outcome.problems, source=source, error=outcome.error)
    return outcome.config


def log_findings(findings: Iterable[Finding], log: Log) -> None:
    """Log each finding with its place."""
    for finding in findings:
        log(finding.problem.severity, f"{finding.place}: {finding.message}")


def other_format(raw: bytes) -> str:
    """What user data is that is no config, in words; empty if it may be a config."""
    text = raw.removeprefix(BYTE_ORDER_MARK).lstrip()
    return next((name for beginning, name in OTHER_FORMATS.items() if text.startswith(beginning)), "")


OTHER_FORMATS: Mapping[bytes, str] = {
    b"#cloud-config": "cloud-init user data (#cloud-config)",
    b"#!": "a script (#!)",
    b"#include": "a cloud-init include list",
    b"Content-Type: multipart/": "a cloud-init MIME archive",
    b"## template: jinja": "a cloud-init template",
    **dict.fromkeys((b"<!DOCTYPE html", b"<!doctype html", b"<html"), "a web page, perhaps a captive portal's"),
}
