"""Compose the tree of a config: its tags are replaced, and the documents that it extends are merged below it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from provision.config.json_text.decode import parse_version
from provision.config.problems import Position, Problem
from provision.config.reports.rule_ids import rule_of
from provision.config.rules import duplicates
from transpiler.butane.source_map import yaml_path
from transpiler.butane.types_and_keys import type_and_key_problems
from transpiler.butane.variants import Variant, table, version_numbers
from transpiler.composition.merging import Part, merged_documents
from transpiler.composition.tags import TagsExpander, WrongTag
from transpiler.composition.values import Document, Values, not_used
from transpiler.lint.explanations import explain_problems
from transpiler.lint.source import LintInput, node_at
from transpiler.reading.local_files import FilesDirectory
from transpiler.reading.tree import place_of
from transpiler.reading.typed import build, read_typed
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlError
from transpiler.reports.text import SourceText

EXTENDS = "extends"


class Composed(NamedTuple):
    """The tree of a config with all its parts; None if a part is wrong.

    `texts` are the other files that it has parts from, by the names in places. `secrets` are those that it uses, and
    `unknown` the places of those that are not known.
    """

    root: YamlNode | None
    texts: dict[str, SourceText]
    problems: list[Problem]
    secrets: frozenset[str] = frozenset()
    unknown: frozenset[Position] = frozenset()


def compose(main: SourceText, bases: Sequence[Document], files: FilesDirectory, values: Values) -> Composed:
    """Replace the tags of a config and of `bases`, and merge all documents: each is merged over those before it.

    Raises YamlError if the result would be too large.
    """
    work = _Composition(files, values)
    for base in bases:
        if base.name not in work.tags.texts:
            work.tags.parse(base.name, base.raw)
        root = work.tags.texts[base.name].root
        work.extended.add(os.path.normpath(base.name))
        if root is not None:
            work.add(root, (base.name,))
    if main.root is not None:
        work.add(main.root, (os.path.normpath(main.name),))
    wrong = sorted(work.tags.problems, key=lambda one: one.at or Position(0, 0))
    problems = [*wrong, *not_used(values, work.tags.used)]
    root = None
    if not any(problem.fatal for problem in problems):
        root = work.documents[-1] if work.documents else None
        if len(work.documents) > 1:
            texts = {"": main, **work.tags.texts}
            root, found = _merged(work.documents, {name: one.lines() for name, one in texts.items()})
            problems += found
    tags = work.tags
    return Composed(root, tags.texts, problems, frozenset(tags.secrets), frozenset(tags.unknown))


class _Composition:
    """The documents in the order in which they are merged, without tags and `extends`."""

    def __init__(self, files: FilesDirectory, values: Values) -> None:
        self.tags = TagsExpander(files, values)
        self.documents: list[YamlNode] = []
        self.extended: set[str] = set()

    def add(self, root: YamlNode, files: tuple[str, ...]) -> None:
        """Add a document after those that it extends. `files` are the documents that extend each other, and its own."""
        document = self.tags.expand(root, files)
        entry = next((pair for pair in document.items if pair[0].text == EXTENDS), None) if _is_map(document) else None
        if entry is not None:
            document.items.remove(entry)
            for node in entry[1].items if entry[1].kind == "sequence" else [entry[1]]:
                self._add_base(node, files)
        self.documents.append(document)

    def _add_base(self, node: YamlNode, files: tuple[str, ...]) -> None:
        try:
            name, root = self.tags.read(node, files, (EXTENDS,))
        except WrongTag as wrong:
            self.tags.note(wrong.problem)
            return
        if name not in self.extended:
            self.extended.add(name)
            self.add(root, (*files, name))


def _is_map(node: YamlNode) -> bool:
    return node.kind == "mapping"


def _merged(documents: Sequence[YamlNode], lines: dict[str, list[str]]) -> tuple[YamlNode | None, list[Problem]]:
    """The documents as one, or None and the problems because of which they cannot be merged."""
    heads = [{name: node_at(one, (name,)) for name in ("variant", "version")} for one in documents]
    variants = [head["variant"] for head in heads if head["variant"] is not None]
    problems = list(_other_variants(variants))
    versions = [head["version"] for head in heads if head["version"] is not None]
    version = max(versions, key=lambda node: version_numbers(parse_version(node.text) or "0"), default=None)
    if not problems and (not variants or version is None):
        problems.append(_no_variant(documents[-1]))
    if problems or version is None:
        return None, problems
    row = table().get((variants[-1].text, parse_version(version.text) or ""))
    if row is None:
        return _with_head(documents[-1], variants[-1], version), []
    parts = []
    for document in documents:
        record, found = _read_alone(document, row, lines)
        parts.append(Part(document, record))
        problems += found
    if problems:
        return None, problems
    return _with_head(merged_documents(parts), variants[-1], version), []


def _no_variant(last: YamlNode) -> Problem:
    message = "documents can be merged if one of them names the variant and the version, and none does"
    return Problem(
        (),
        message,
        at=last.at,
        hint="begin one with lines such as `variant: fcos` and `version: 1.6.0`",
        rule="variant",
    )


def _other_variants(variants: Sequence[YamlNode]) -> Iterator[Problem]:
    for node in variants[1:]:
        if node.text != variants[0].text:
            message = f"the variant {node.text} is another than that of the first document, {variants[0].text}"
            yield Problem(("variant",), message, at=node.at, hint="write the same variant", rule="variant")


def _with_head(root: YamlNode, variant: YamlNode, version: YamlNode) -> YamlNode:
    """A document with this variant and version."""
    head = {"variant": variant, "version": version}
    if not _is_map(root):
        return root
    keys = {name: node._replace(kind="scalar", text=name, tag="", plain=True) for name, node in head.items()}
    items = [(keys[name], node) for name, node in head.items()]
    return root._replace(items=[*items, *(pair for pair in root.items if pair[0].text not in head)])


def _read_alone(document: YamlNode, row: Variant, lines: dict[str, list[str]]) -> tuple[Any, list[Problem]]:
    """The record of a document, and why it cannot be merged: wrong types, repeated keys, entries with the same key."""
    try:
        reading = read_typed(document, row.record, row.spec_minor)
    except YamlError as error:
        return None, [error.problem]
    found = [one.problem for one in type_and_key_problems(reading, row) if one.yaml_v3]
    record = build(row.record, reading.values)
    if not found:
        found = list(duplicates(record, row.spec_minor))
        found = [one._replace(path=yaml_path(one.path)) for one in found]
        found = [one._replace(at=place_of(document, one.path)) for one in found]
    source = LintInput(lines, document, record, row, "", {})
    return record, [one._replace(rule=rule_of(one)) for one in explain_problems(found, source)]
