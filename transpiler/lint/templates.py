"""Lints about template variables that were not replaced, misspelled tags, and typographic quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.problems import Path, Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.source import LintInput, remark
from transpiler.reading.yaml_node import YamlNode, nodes_below
from transpiler.reports.secret_masks import TAGS

TEMPLATE = re.compile(r"\$\{[A-Za-z_][\w.]{0,99}\}|\{\{[^{}]{1,99}\}\}|\{%[^{}]{1,99}%\}|<%[^<>]{1,99}%>|@@\w{1,99}@@")

_FREE_TEXTS = {"inline", "contents", "config", "value", "gecos"}
"""Fields with free text, in which these marks may be intended."""

_COMMAND_LINES = {"etcd", "flannel", "docker"}
"""Sections of a Container Linux Config whose values become arguments of a command: systemd replaces variables there."""

_QUOTES = re.compile("^[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]")

_MARKS = ("${", "{{", "{%", "<%", "@@", "\\x", "\\u", "\\U", *"\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb")
"""What a text has if one of its values may have such a mark: the start of a mark, or an escape of any character."""

_TAG = re.compile("![A-Za-z]")
"""What a text has if it has a tag."""

_LOOKS_LIKE_TEMPLATE = "this looks like a template; transpile does not replace it"

FILL_IN = "replace it before (envsubst, sed, jinja2), or write the value"


def templates(source: LintInput) -> Iterator[Problem]:
    """Warnings about values with a template variable, and values in typographic quotes."""
    texts = ["\n".join(one) for one in source.lines.values()]
    if source.root is None or not any(mark in text for text in texts for mark in _MARKS):
        return
    waiting: list[tuple[Path, YamlNode]] = [((), source.root)]
    found: list[tuple[Path, YamlNode]] = []
    while waiting:
        path, node = waiting.pop()
        if node.kind == "mapping":
            waiting.extend(((*path, key.text), value) for key, value in reversed(node.items))
        elif node.kind == "sequence":
            waiting.extend(((*path, index), item) for index, item in reversed(list(enumerate(node.items))))
        elif node.kind == "scalar":
            found.append((path, node))
    for path, node in found:
        if source.variant.name or path[:1] not in {(section,) for section in _COMMAND_LINES}:
            yield from _scalar(path, node)


def misspelled_tags(source: LintInput) -> Iterator[Problem]:
    """Warnings about tags that are almost ours. As in Butane, all other tags mean nothing."""
    if source.root is None or not any(_TAG.search("\n".join(one)) for one in source.lines.values()):
        return
    for node in nodes_below(source.root):
        if node.tag.startswith("!") and node.tag not in TAGS:
            near = did_you_mean(node.tag.lower(), TAGS).strip(" ()")
            if near:
                message = f"transpile does not know the tag {node.tag}, and takes the text behind it as it is"
                yield remark((), "unknown-tag", message, near, node.at)


def _scalar(path: Path, node: YamlNode) -> Iterator[Problem]:
    if any(part in _FREE_TEXTS for part in path[-2:]):
        return
    if TEMPLATE.search(node.text):
        yield remark(path, "template", _LOOKS_LIKE_TEMPLATE, FILL_IN, node.at)
    elif node.plain and _QUOTES.match(node.text):
        hint = "write straight quotes: \" or '"
        yield remark(path, "typographic-quotes", "typographic quotes are part of the text here", hint, node.at)
