"""Write a tree as YAML that Butane reads: with all parts in place, and without the author's tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transpiler.composition.values import STR
from transpiler.reading.yaml_node import YamlNode


def plain_yaml(root: YamlNode | None) -> str:
    """The YAML text of a tree; empty for None. Comments are not part of a tree. Reading it gives the same values."""
    import yaml

    if root is None:
        return ""
    dumper: Any = yaml.CDumper
    return str(yaml.emit(_events(yaml, root), Dumper=dumper, allow_unicode=True, width=1 << 30))


def _events(yaml: Any, root: YamlNode) -> Iterator[Any]:
    """The events of a document. A node that has aliases is written where it comes first."""
    names = _anchors(root)
    written: set[int] = set()
    ends = {"mapping": yaml.MappingEndEvent, "sequence": yaml.SequenceEndEvent}
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, YamlNode):
            yield node
            continue
        node = node.items[0] if node.kind == "alias" else node
        anchor = names.get(id(node))
        if id(node) in written:
            yield yaml.AliasEvent(anchor)
            continue
        if anchor:
            written.add(id(node))
        tag = node.tag if node.tag not in {"", STR} else None
        if node.kind == "scalar":
            yield yaml.ScalarEvent(anchor, tag, (tag is None, tag is None), node.text, style=_style(node))
            continue
        start = yaml.MappingStartEvent if node.kind == "mapping" else yaml.SequenceStartEvent
        yield start(anchor, tag, tag is None, flow_style=not node.items)
        inner = [one for pair in node.items for one in pair] if node.kind == "mapping" else node.items
        waiting.append(ends[node.kind]())
        waiting.extend(reversed(inner))
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _style(node: YamlNode) -> str | None:
    """How a scalar is written: a number or a boolean stays plain, and a text of several lines becomes a block."""
    if "\n" in node.text:
        return "|"
    return None if node.plain and node.tag != STR else '"'


def _anchors(root: YamlNode) -> dict[int, str]:
    """The names of the nodes that aliases name, by their identity."""
    names: dict[int, str] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.kind == "alias":
            target = node.items[0]
            if id(target) not in names:
                names[id(target)] = f"a{len(names) + 1}"
                waiting.append(target)
        elif node.kind == "mapping":
            waiting.extend(one for pair in node.items for one in pair)
        elif node.kind == "sequence":
            waiting.extend(node.items)
    return names
