"""The name of the rule behind a problem: `path-not-absolute`. Reports print it, and a comment that silences the rule
uses it.

A rule of our own gives its name itself. The messages of Ignition and Butane do not change, so their names are derived
from the messages: by this table where one rule has several messages or a long one, otherwise from the first words.
"""

from __future__ import annotations

import re

from provision.config.problems import Problem

_NAMES = {
    "a key must be a text": "key-type",
    "cannot be read": "unreadable-file",
    "context tree does not match": "hidden-by-alias",
    "device matches disk with wipeTable": "disk-wiped-too",
    "duplicate entry": "duplicate-entry",
    "error parsing variant": "variant",
    "error parsing version": "version",
    "expected": "wrong-type",
    "fields other than": "unsupported-field",
    "filesystem overwrites partitioned device": "overwrites-partitions",
    "format is required": "format-required",
    "format cannot be empty": "format-required",
    "illegal file mode": "illegal-mode",
    "incorrect partition number": "reserved-label",
    "invalid config version": "version",
    "invalid systemd drop-in extension": "dropin-extension",
    "invalid systemd unit extension": "unit-extension",
    "invalid unit content": "unit-syntax",
    "link path includes link": "path-below-link",
    "file path includes link": "path-below-link",
    "directory path includes link": "path-below-link",
    "local file path": "local-file",
    "mapping key": "duplicate-key",
    "matching filesystem node": "tree-conflict",
    "No translator exists": "version",
    "only one of the following": "several-contents",
    "open ": "local-file",
    "partitions cannot be reused by label": "partition-number",
    "path is required if": "path-required",
    "path is not fully simplified": "path-not-simple",
    "read ": "local-file",
    "root of tree": "local-file",
    "root partition cannot expand": "root-size",
    "root should have 8GiB": "root-size",
    "setuid/setgid/sticky bits": "special-mode-bits",
    "skipping validation": "unchecked-config",
    "special mode bits": "special-mode-bits",
    "stat ": "local-file",
    "unit ": "no-install-section",
    "unreasonable mode": "decimal-mode",
    "unsupported config version": "version",
    "unsupported file extension for quadlet": "quadlet-extension",
    "unused key": "unused-key",
}
"""The beginning of a message -> the name of its rule."""

_SMALL_WORDS = {
    "a",
    "an",
    "are",
    "be",
    "by",
    "for",
    "in",
    "is",
    "must",
    "of",
    "or",
    "spec",
    "than",
    "the",
    "this",
    "to",
}

MOST_WORDS = 5


def rule_of(problem: Problem) -> str:
    """The name of the rule behind a problem: lower-case words with dashes, the same for every place and value."""
    if problem.rule:
        return problem.rule
    if problem.at is not None and not problem.path:
        return "yaml-syntax"
    known = next((name for start, name in _NAMES.items() if problem.message.startswith(start)), "")
    return "unused-key" if problem.on_key and not known else known or _derived(problem.message)


def _derived(message: str) -> str:
    words = re.findall(r"[a-z]+", message.lower().partition(":")[0].partition('"')[0])
    telling = [word for word in words if word not in _SMALL_WORDS]
    return "-".join(telling[:MOST_WORDS]) or "problem"
