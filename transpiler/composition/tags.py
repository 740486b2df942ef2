"""Replace `!var`, `!env`, `!secret`, `!format` and `!include` in a tree by the values that they name.

A value takes the place of one node: it is a scalar, or a whole list or mapping of a file. No text is read as YAML a
second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from provision.config.problems import MAX_PROBLEMS, Path, Position, Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.composition.values import NAME, STR, UNKNOWN_SECRET, Values, is_text, text_node
from transpiler.lint.syntax import explained
from transpiler.reading.documents import second_document
from transpiler.reading.local_files import FilesDirectory, LocalFileError
from transpiler.reading.scalars import converted, is_null, resolved
from transpiler.reading.tree import MAX_BYTES, MAX_NODES, parse_yaml
from transpiler.reading.yaml_node import YamlNode, nodes_below
from transpiler.reading.yaml_problems import YamlError
from transpiler.reports.secret_masks import TAGS
from transpiler.reports.text import SourceText

MAX_DEPTH = 20
"""The number of files that may include one another."""

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "list": "a list",
    "mapping": "a mapping",
}

_MOST_SUGGESTIONS = 100
"""After this number of problems, the names of undefined values are not compared with known names: it takes time."""

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

_FIELD = re.compile(rf"(?:(env|secret)\.)?({NAME.pattern})")

_KIND_NAMES = {"var": "variable", "env": "environment variable", "secret": "secret"}


class WrongTag(Exception):
    """A tag cannot be replaced; `problem` says why."""

    def __init__(self, node: YamlNode, path: Path, message: str, hint: str, rule: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(path, message, hint=hint, at=node.at, rule="tag" if rule is None else rule)


class Frame(NamedTuple):
    """Where a node is: the files that are being read, outermost first, and the copies of the nodes of this file."""

    files: tuple[str, ...]
    copies: dict[int, YamlNode]


class TagsExpander:
    """Copies trees without the tags. It collects the problems, the files read, and the secrets used."""

    def __init__(self, files: FilesDirectory, values: Values) -> None:
        self.files = files
        self.values = values
        self.problems: list[Problem] = []
        self.texts: dict[str, SourceText] = {**values.texts}
        self.located: dict[str, str] = {}
        self.used: set[str] = set()
        self.secrets: set[str] = set()
        self.unknown: set[Position] = set()
        self.nodes = 0
        self.letters = 0
        self.waiting: list[tuple[YamlNode, YamlNode, Frame, Path]] = []

    def expand(self, root: YamlNode, files: tuple[str, ...]) -> YamlNode:
        """The tree without tags. `files` are the files that are being read. Raises YamlError if it is too large."""
        made = self._copied(root, Frame(files, {}), ())
        while self.waiting:
            node, copy, frame, path = self.waiting.pop()
            for index, item in enumerate(node.items):
                if node.kind == "sequence":
                    copy.items.append(self._copied(item, frame, (*path, index)))
                else:
                    key, value = item
                    if key.tag in TAGS:
                        wrong = WrongTag(key, path, f"{key.tag} cannot be a key", "write the key itself")
                        self.note(wrong.problem)
                    copy.items.append((self._copied(key, frame, path), self._copied(value, frame, (*path, key.text))))
        return made

    def note(self, problem: Problem) -> None:
        """Add a problem, if there are not too many already."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    def read(self, node: YamlNode, files: tuple[str, ...], path: Path) -> tuple[str, YamlNode]:
        """The path and the tree of a file below the files directory that a node names. Raises WrongTag."""
        name = node.text
        if node.kind != "scalar" or not name:
            hint = "write it as one text, such as base.bu"
            raise WrongTag(node, path, "the name of a file is expected here", hint, "include")
        try:
            found = self.located[name] = self.located.get(name) or self.files.locate_part(name)
            if found in files:
                chain = " -> ".join((*files[files.index(found) :], found))
                raise WrongTag(node, path, f"the file includes itself: {chain}", "remove one of these lines", "include")
            if len(files) >= MAX_DEPTH:
                raise WrongTag(
                    node, path, f"more than {MAX_DEPTH} files include one another", "join some of them", "include"
                )
            if found not in self.texts:
                self.parse(found, self.files.read_part(found, MAX_BYTES))
        except LocalFileError as error:
            raise WrongTag(node, path, f"cannot use {name}: {error}", error.hint, "include") from None
        root = self.texts[found].root
        if root is None:
            raise WrongTag(node, path, f"{found} has no value", "write a value into it, or remove this line", "include")
        return found, root

    def parse(self, file: str, raw: bytes) -> None:
        """Keep a file with its tree. A syntax error is a problem with a place in this file, and gives an empty text."""
        try:
            self.texts[file] = SourceText(file, raw, parse_yaml(raw, file=file))
        except YamlError as error:
            self.texts[file] = SourceText(file, raw, text_node(""))
            problem = explained(error.problem, self.texts[file].lines())
            at = problem.at or Position(1, 1, file)
            self.problems.append(problem._replace(at=at, rule=problem.rule or "yaml-syntax"))
            return
        for problem in second_document(raw):
            self.problems.append(problem._replace(at=problem.at and problem.at._replace(file=file)))

    def _copied(self, node: YamlNode, frame: Frame, path: Path) -> YamlNode:
        """The node in place of `node`; its items are added later."""
        known = frame.copies.get(id(node))
        if known is not None:
            return known
        self._count(1, len(node.text))
        made = node
        if node.kind == "alias":
            made = node._replace(items=[self._copied(node.items[0], frame, path)])
        elif node.tag in TAGS:
            made = self._resolved(node, frame, path)
        elif node.kind != "scalar":
            made = node._replace(items=[])
            self.waiting.append((node, made, frame, path))
        frame.copies[id(node)] = made
        return made

    def _count(self, nodes: int, letters: int) -> None:
        """Count what a part adds. A part that is used twice counts twice, so that few files cannot make a huge tree."""
        self.nodes += nodes
        self.letters += letters
        if self.nodes > MAX_NODES:
            raise YamlError(f"the config has more than {MAX_NODES} values with all its parts, which is the limit")
        if self.letters > MAX_BYTES:
            raise YamlError(f"the config is larger than {MAX_BYTES >> 20} MiB with all its parts, which is the limit")

    def _resolved(self, node: YamlNode, frame: Frame, path: Path) -> YamlNode:
        """What a tag stands for. An empty text after a problem."""
        try:
            return self._value_of(node, frame, path)
        except WrongTag as wrong:
            self.note(wrong.problem)
            return _placed(text_node(""), node)

    def _value_of(self, node: YamlNode, frame: Frame, path: Path) -> YamlNode:
        """What a tag stands for. Raises WrongTag."""
        if node.tag == "!include":
            return self._included(node, frame, path)
        if node.tag == "!format":
            return self._formatted(node, path)
        kind = node.tag.removeprefix("!")
        if node.kind == "mapping" and kind != "secret":
            return self._with_options(node, kind, frame, path)
        name = node.text if node.kind == "scalar" else ""
        if not NAME.fullmatch(name):
            form = "" if kind == "secret" else f", or !{kind} {{name: NAME, default: VALUE, type: string}}"
            message = (
                f"the name of the {_KIND_NAMES[kind]} is missing or has other characters than letters, digits, _ and -"
            )
            raise WrongTag(node, path, message, f"write !{kind} NAME{form}")
        found = self._value(kind, name, node)
        if found is None:
            raise self._undefined(kind, name, node, path)
        return found

    def _value(self, kind: str, name: str, node: YamlNode) -> YamlNode | None:
        """The value of this name at the place of `node`, unless it has a place of its own; None if it is undefined."""
        if kind == "var":
            self.used.add(name)
            value = self.values.variables.get(name)
            if value is None or value.line:
                self._count(*_size(value) if value else (0, 0))
                return value
            self._count(0, len(value.text))
            return _placed(value, node)
        text = self._secret(name, node) if kind == "secret" else self.values.environment.get(name)
        self._count(0, len(text or ""))
        return None if text is None else _placed(text_node(text), node)

    def _secret(self, name: str, node: YamlNode) -> str | None:
        text = self.values.secret(name)
        if text is None and self.values.without_secrets:
            self.unknown.add(node.at)
            return UNKNOWN_SECRET
        if text:
            self.secrets.add(text)
        return text

    def _undefined(self, kind: str, name: str, node: YamlNode, path: Path) -> WrongTag:
        known: Iterable[str] = {
            "var": self.values.variables,
            "env": self.values.environment,
            "secret": self.values.secrets,
        }[kind]
        near = did_you_mean(name, known).strip(" ()") if len(self.problems) < _MOST_SUGGESTIONS else ""
        define = {
            "var": f"define it with --var {name}=VALUE or in a --vars-file",
            "env": "set it, or write a default",
            "secret": "give it in a --secrets-file",
        }[kind]
        message = f"the {_KIND_NAMES[kind]} {name} is not defined"
        hint = f"{near} Or {define}" if near else define
        return WrongTag(node, path, message, hint, "undefined-value")

    def _with_options(self, node: YamlNode, kind: str, frame: Frame, path: Path) -> YamlNode:
        """The value of the long form, a mapping with name, default and type."""
        options = {key.text: value for key, value in node.items if key.kind == "scalar"}
        for key, _ in node.items:
            if key.text not in {"name", "default", "type"}:
                near = did_you_mean(key.text, ("name", "default", "type"))
                raise WrongTag(key, path, f"!{kind} has no option {key.text}{near}", "it has name, default and type")
        name = options.get("name")
        if name is None or name.kind != "scalar" or not NAME.fullmatch(name.text):
            raise WrongTag(node, path, f"!{kind} needs the name of a variable", f"write !{kind} {{name: NAME}}")
        found = self._value(kind, name.text, node)
        if found is None and "default" in options:
            found = self._copied(options["default"], frame, path)
        if found is None:
            raise self._undefined(kind, name.text, node, path)
        named = f"the {_KIND_NAMES[kind]} {name.text}"
        return self._typed(found, options["type"], named, path) if "type" in options else found

    def _typed(self, found: YamlNode, wanted: YamlNode, named: str, path: Path) -> YamlNode:
        """A value, if it is of the type that the author wants."""
        target = found.items[0] if found.kind == "alias" else found
        if wanted.text not in _TYPES or wanted.kind != "scalar":
            near = did_you_mean(wanted.text, _TYPES)
            raise WrongTag(wanted, path, f"unknown type{near}", f"types are {', '.join(_TYPES)}")
        if _is_a(target, wanted.text):
            return target._replace(tag=STR) if wanted.text == "string" else found
        message = f"{named} must be {_TYPES[wanted.text]}"
        raise WrongTag(found, path, message, "correct the value, or the type", "value-type")

    def _included(self, node: YamlNode, frame: Frame, path: Path) -> YamlNode:
        name, root = self.read(node, frame.files, path)
        return self._copied(root, Frame((*frame.files, name), {}), path)

    def _formatted(self, node: YamlNode, path: Path) -> YamlNode:
        """A text with the values of the names in braces."""
        if node.kind != "scalar":
            raise WrongTag(node, path, "!format needs a text", 'put it in quotes: !format "{name}"')
        text = _PLACEHOLDER.sub(lambda match: self._part(match, node, path), node.text)
        return _placed(text_node(text), node)._replace(tag=STR)

    def _part(self, match: re.Match[str], node: YamlNode, path: Path) -> str:
        """The text for one match of _PLACEHOLDER; empty after a problem."""
        try:
            return self._text_of_part(match, node, path)
        except WrongTag as wrong:
            self.note(wrong.problem)
            return ""

    def _text_of_part(self, match: re.Match[str], node: YamlNode, path: Path) -> str:
        if match[0] in {"{{", "}}"}:
            return match[0][0]
        field = _FIELD.fullmatch(match[1] or "")
        if field is None:
            hint = "write {name}, {env.NAME} or {secret.NAME}; write {{ or }} for a brace"
            raise WrongTag(node, path, "a brace in !format does not have the name of a value", hint)
        kind, name = field[1] or "var", field[2]
        value = self._value(kind, name, node)
        if value is None:
            raise self._undefined(kind, name, node, path)
        if value.kind != "scalar" or is_null(value) or re.search("[\r\n\x85\u2028\u2029]", value.text):
            message = f"the {_KIND_NAMES[kind]} {name} is not a text of one line, so it cannot be a part of a text"
            raise WrongTag(node, path, message, "write !var where the whole value stands")
        if value.text.endswith("\\") and re.match("[ \t]*\n.*\\S", node.text[match.end() :], re.DOTALL):
            message = (
                f"the {_KIND_NAMES[kind]} {name} ends with a backslash, which would join the line with the next one"
            )
            raise WrongTag(node, path, message, "remove the backslash from the value")
        return value.text


def _placed(value: YamlNode, node: YamlNode) -> YamlNode:
    """A value with the place of another node, and without characters that are not UTF-8.

    The end is the start, because the text of the author's file is not the value: it is shown in excerpts.
    """
    text = value.text if is_text(value.text) else value.text.encode("utf-8", "replace").decode()
    end = node.end if node.tag == "!format" else (node.line, node.column)
    return value._replace(text=text, line=node.line, column=node.column, end=end, file=node.file)


def _is_a(node: YamlNode, wanted: str) -> bool:
    """Whether a node is of a type."""
    if node.kind != "scalar":
        return node.kind == {"list": "sequence", "mapping": "mapping"}.get(wanted)
    if wanted == "string":
        return not is_null(node)
    _, value = resolved(node)
    if wanted == "integer":
        return type(value) is int
    return wanted == "boolean" and (node.plain or type(value) is bool) and converted(value, bool) is not None


def _size(root: YamlNode) -> tuple[int, int]:
    """The number of nodes of a tree, without the targets of aliases, and of the characters of its texts."""
    nodes = letters = 0
    for node in nodes_below(root):
        nodes += 1
        letters += len(node.text)
    return nodes, letters
