"""Addresses of the machine that a cloud-config names, and that are not known when it is converted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.config.machine_addresses import FIELD, named_addresses
from provision.config.problems import Position, Problem
from transpiler.reading.yaml_node import YamlNode


def unknown_addresses(text: bytes, root: YamlNode | None, addresses: Mapping[str, str]) -> Iterator[Problem]:
    """An error for each address in a value of the text (not in a comment) that is not known."""
    missing = named_addresses(text) - addresses.keys()
    if not missing or root is None:
        return
    lines = text.split(b"\n")
    seen: set[Position] = set()
    for first, last in _lines_of_values(root):
        for number in range(first, min(last, len(lines)) + 1):
            for match in FIELD.finditer(lines[number - 1]):
                name = match[2].decode()
                place = Position(number, len(lines[number - 1][: match.start(2)].decode("utf-8", "replace")))
                if name in missing and not match[1] and place not in seen:
                    seen.add(place)
                    hint = f"convert it by transpile convert --address {name}=ADDRESS"
                    message = f"${name} is known only on the machine"
                    yield Problem((), message, hint=hint, at=place, rule="unknown-address")


def _lines_of_values(root: YamlNode) -> list[tuple[int, int]]:
    """First and last line of each value that may hold an address, in the order of the text."""
    found: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.kind == "scalar" and "$" in node.text:
            found.add((node.line, node.end[0]))
        elif node.kind == "sequence":
            waiting.extend(node.items)
        elif node.kind == "mapping":
            waiting.extend(value for _, value in node.items)
    return sorted(found)
