"""Problems of a YAML text: the message for the author, and the message of yaml.v3, which Butane prints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from provision.config.problems import Path, Position, Problem

if TYPE_CHECKING:
    from transpiler.reading.yaml_node import YamlNode


class YamlProblem(NamedTuple):
    """A problem, and the line that yaml.v3 prints if it refuses the text because of it (else empty)."""

    problem: Problem
    yaml_v3: str = ""


class YamlError(Exception):
    """The text cannot be read at all: its one problem, and the message of yaml.v3 (default: the same message)."""

    def __init__(self, message: str, at: Position | None = None, *, yaml_v3: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem((), message, hint=hint, at=at)
        self.yaml_v3 = yaml_v3 or message

    def set_file(self, file: str) -> None:
        """Set the name of the file in the place of the problem."""
        if self.problem.at is not None:
            self.problem = self.problem._replace(at=self.problem.at._replace(file=file))


def mismatch(node: YamlNode, tag: str, wanted: str, path: Path) -> YamlProblem:
    """The problem of a value of a wrong type. `wanted` is string, int, bool, list or mapping; `tag` is its tag."""
    found = _FOUND.get(tag, "a text") if node.kind == "scalar" else "a list" if node.kind == "sequence" else "a mapping"
    message, hint = f"expected {_WANTED[wanted]}, found {found}", _hint(node, wanted)
    if wanted == "int" and found == "a number":
        message, hint = (
            "the number does not fit into 64 bits",
            f"write a number between {-(1 << 63)} and {(1 << 63) - 1}",
        )
    problem = Problem(path, message, at=node.at, hint=hint)
    shown = f" `{shortened(node.text)}`" if node.kind == "scalar" else ""
    return YamlProblem(problem, f"line {node.line}: cannot unmarshal {tag}{shown} into {wanted}")


def type_errors(refused: Sequence[YamlProblem]) -> str:
    """The message of yaml.v3 for values that it refuses, in the order of the text."""
    ordered = sorted(refused, key=lambda one: one.problem.at or (0, 0))
    return "yaml: unmarshal errors:" + "".join(f"\n  {one.yaml_v3}" for one in ordered)


def shortened(text: str) -> str:
    """A text as yaml.v3 quotes it in a message: only the first 7 characters of a text longer than 10."""
    return text if len(text) <= 10 else f"{text[:7]}..."


_WANTED = {
    "string": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "mapping": "a mapping (lines of `name: value`)",
}
_FOUND = {
    "!!int": "a number",
    "!!float": "a number",
    "!!bool": "a boolean",
    "!!timestamp": "a date",
    "!!null": "nothing",
}


def _hint(node: YamlNode, wanted: str) -> str:
    """How to write a value so that it has the wanted type."""
    if node.kind == "scalar" and not node.plain and wanted in _WITHOUT_QUOTES:
        in_json = node.file.endswith(".json")
        if in_json and wanted == "int" and re.fullmatch(r"0[0-7]{1,20}", node.text):
            return f"write {int(node.text, 8)}: JSON has no octal numbers"
        if _WITHOUT_QUOTES[wanted][in_json].fullmatch(node.text):
            return "remove the quotes"
    return _HINTS.get((node.kind, wanted), "")


_WITHOUT_QUOTES = {
    "int": (re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|0o?[0-7]+|[1-9][0-9]*|0)"), re.compile(r"-?(?:[1-9][0-9]*|0)")),
    "bool": (re.compile(r"(?i:true|false|yes|no|on|off)"), re.compile(r"true|false")),
}
"""What a text would be without its quotes, in YAML and in JSON."""

_HINTS = {
    ("scalar", "list"): "write it as an element of a list: on the next line, after `- `",
    ("scalar", "mapping"): "write `name: value` on the next lines, indented",
    ("scalar", "bool"): "write true or false",
    ("scalar", "int"): "write a number, without unit",
    ("mapping", "string"): "put a text that begins with { or contains ': ' in quotes",
    ("mapping", "list"): "begin each element with `- `",
    ("sequence", "string"): "put a text that begins with [ in quotes; only one value can stand here",
    ("sequence", "int"): "only one value can stand here",
    ("sequence", "bool"): "only one value can stand here",
    ("sequence", "mapping"): "remove the `- `",
}
