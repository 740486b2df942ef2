"""The values of `!var`, `!env`, `!secret` and `!format`, and the files from which variables and secrets are read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from provision.config.problems import Position, Problem
from provision.config.reports.findings import escaped
from provision.config.resources.urls import redacted
from transpiler.reading.local_files import LocalFileError, read_file
from transpiler.reading.scalars import ABSENT, is_null, text_of
from transpiler.reading.tree import MAX_BYTES, parse_yaml
from transpiler.reading.yaml_node import YamlNode, nodes_below
from transpiler.reading.yaml_problems import YamlError
from transpiler.reports.secret_masks import TAGS
from transpiler.reports.text import SourceText

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""The form of the name of a variable, an environment variable or a secret."""

SECRET_VARIABLE = "TRANSPILE_SECRET_"  # noqa: S105 - the beginning of a name
"""An environment variable with this prefix and the name of a secret in upper case has the secret."""

STR = "tag:yaml.org,2002:str"

UNKNOWN_SECRET = "unknown"  # noqa: S105 - stands for a secret
"""The text in the place of a secret that is not known, where no result is written."""


class ValuesError(Exception):
    """A value of the command line, or a file of values, cannot be used. The message has its place and no value."""


class Document(NamedTuple):
    """A text and the name of its file."""

    name: str
    raw: bytes


class Values(NamedTuple):
    """All values that a config can name.

    `variables` are nodes: those from a file have their places there, those of the command line (`given`) have none.
    `texts` are the files of variables, by the names in places. With `without_secrets`, UNKNOWN_SECRET stands for each
    secret that is not known, and what is wrong at its place is not reported.
    """

    variables: Mapping[str, YamlNode] = {}
    given: frozenset[str] = frozenset()
    environment: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    texts: Mapping[str, SourceText] = {}
    without_secrets: bool = False

    def secret(self, name: str) -> str | None:
        """The secret of this name, from a file or else from the environment; None if it is not known."""
        variable = SECRET_VARIABLE + name.upper().replace("-", "_")
        return self.secrets.get(name, self.environment.get(variable))

    def known_secrets(self) -> set[str]:
        """All secrets of files and of the environment, their lines, and what messages show of those that are URLs."""
        found = {text for name, text in self.environment.items() if name.startswith(SECRET_VARIABLE)}
        found.update(self.secrets.values())
        lines = {line for text in found for line in text.splitlines()}
        return found | lines | {redacted(text) for text in lines if "://" in text}


def read_values(
    variables: Iterable[str] = (),
    variable_files: Iterable[str] = (),
    secret_files: Iterable[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    without_secrets: bool = False,
) -> Values:
    """The values of a command line: `variables` are texts such as `name=value`, which win over those of files.

    The environment is that of the process by default. Raises ValuesError.
    """
    nodes: dict[str, YamlNode] = {}
    texts: dict[str, SourceText] = {}
    for path in variable_files:
        texts[path] = _source_text(path)
        nodes.update(_entries(texts[path].root))
    given = dict(_given(variables))
    nodes.update(given)
    secrets: dict[str, str] = {}
    for path in secret_files:
        secrets.update(_secrets(path))
    known = os.environ if environment is None else environment
    return Values(nodes, frozenset(given), known, secrets, texts, without_secrets)


def text_node(text: str) -> YamlNode:
    """A text as an unquoted scalar without a place: a number or a boolean where one is wanted, but never null."""
    node = YamlNode("scalar", text, "", plain=True, line=0, column=0, items=[])
    return node._replace(tag=STR) if is_null(node) else node


def is_text(text: str) -> bool:
    """Whether a text of the environment or the command line was UTF-8."""
    return text.isascii() or not re.search("[\ud800-\udfff]", text)


def _given(variables: Iterable[str]) -> Iterator[tuple[str, YamlNode]]:
    for one in variables:
        name, equals, value = one.partition("=")
        if not equals or not NAME.fullmatch(name):
            raise ValuesError(f"--var {escaped(name)}: write --var NAME=VALUE; a name has letters, digits, _ and -")
        if not is_text(value):
            raise ValuesError(f"--var {name}: the value is not UTF-8")
        yield name, text_node(value)


def _secrets(path: str) -> Iterator[tuple[str, str]]:
    """The secrets of a file, or of a directory with a file for each secret."""
    if os.path.isdir(path):
        try:
            names = sorted(name for name in os.listdir(path) if NAME.fullmatch(name))
        except OSError as error:
            raise ValuesError(f"{escaped(path)}: cannot be read: {(error.strerror or '').lower()}") from None
        for name in names:
            file = os.path.join(path, name)
            if os.path.isfile(file):
                try:
                    yield name, _bytes(file).decode().removesuffix("\n")
                except UnicodeDecodeError:
                    raise ValuesError(f"{escaped(file)}: is not UTF-8") from None
        return
    for name, node in _entries(_source_text(path).root):
        text = text_of(node) if node.kind == "scalar" else ABSENT
        if text is ABSENT:
            raise _wrong(node.at, f"the secret {name} must be a text")
        yield name, text


def _entries(root: YamlNode | None) -> Iterator[tuple[str, YamlNode]]:
    """The entries of a file of values, which is a mapping. Raises ValuesError."""
    if root is None or is_null(root):
        return
    if root.kind != "mapping":
        raise _wrong(root.at, "a file of values is a mapping: lines of `name: value`")
    seen: set[str] = set()
    for key, value in root.items:
        if key.kind != "scalar" or not NAME.fullmatch(key.text):
            raise _wrong(key.at, "a name begins with a letter, and has letters, digits, _ and -")
        if key.text in seen:
            raise _wrong(key.at, f"the name {key.text} is given twice")
        seen.add(key.text)
        tagged = next((one for one in nodes_below(value) if one.tag in TAGS), None)
        if tagged is not None:
            raise _wrong(tagged.at, f"{tagged.tag} cannot be used in a file of values")
        yield key.text, value.items[0] if value.kind == "alias" else value


def _source_text(path: str) -> SourceText:
    raw = _bytes(path)
    try:
        return SourceText(path, raw, parse_yaml(_without_pairs(raw), file=path))
    except YamlError as error:
        from transpiler.lint.syntax import explained

        problem = explained(error.problem, SourceText(path, raw, None).lines())
        hint = f" (hint: {problem.hint})" if problem.hint else ""
        raise _wrong(problem.at or Position(1, 1, path), f"{problem.message}{hint}") from None


_PAIR = re.compile(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL)


def _without_pairs(raw: bytes) -> bytes:
    """A text in JSON with each character above U+FFFF itself. JSON writes it as two escapes, which YAML refuses."""
    if not raw.lstrip().startswith(b"{") or rb"\ud" not in raw.lower():
        return raw
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return _PAIR.sub(lambda pair: _character(pair[1] + pair[2]) if pair[1] else pair[0], raw)


def _character(units: bytes) -> bytes:
    """The character of two units of UTF-16, given in hexadecimal digits."""
    return bytes.fromhex(units.decode()).decode("utf-16-be").encode()


def _bytes(path: str) -> bytes:
    try:
        if path.startswith(("/dev/fd/", "/proc/")):  # a pipe that a shell made for this command
            with open(path, "rb") as file:
                return file.read(MAX_BYTES)
        return read_file(path, MAX_BYTES)
    except OSError as error:
        raise ValuesError(f"{escaped(path)}: cannot be read: {(error.strerror or '').lower()}") from None
    except LocalFileError as error:
        raise ValuesError(f"cannot use a file of values: {escaped(str(error))}") from None


def _wrong(at: Position, message: str) -> ValuesError:
    return ValuesError(f"{escaped(at.file)}:{at.line}:{at.column}: error: {message}")


def not_used(values: Values, used: Iterable[str]) -> Iterator[Problem]:
    """Warnings about variables of the command line that no part of the config names."""
    for name in sorted(values.given.difference(used)):
        yield Problem((), f"--var {name} is not used", fatal=False, hint="remove it", rule="unused-variable")
