"""Convert a YAML tree to plain values of the declared types, as yaml.v3 converts them.

A scalar is read as the type of its field: `0644` can be a number, `yes` a boolean, and everything a text. Null is the
same as absent. A value that yaml.v3 refuses is a misfit: it is reported here, and keeps its natural type, so that a
schema finds it too. A schema cannot find repeated keys and wrong merges. Source: yaml.v3 `decode.go`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from provision.config.model import Field, Record, Secret
from provision.config.problems import Path, Problem
from transpiler.reading.scalars import ABSENT, converted, is_null, natural, resolved, short_tag, tag_of, text_of
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlError, YamlProblem, mismatch


class Reading(NamedTuple):
    """The values of a tree, and their problems.

    `faults` are repeated keys and keys that are not texts. `misfits` maps the path of each value of a wrong type to its
    problem. `unknown_keys` has one entry for each key that the version does not have: its path and its node. An entry
    with None instead of a node is the path of a record that the text gives as null or by an alias. The entries are in
    Butane's order. An unknown key is also in `values`, with the value None, so that the schema finds it.
    """

    values: Any
    faults: tuple[YamlProblem, ...]
    misfits: dict[Path, YamlProblem]
    unknown_keys: tuple[tuple[Path, YamlNode | None], ...]

    @property
    def fits(self) -> bool:
        """Whether there are no misfits and no unknown keys, so that a schema finds no problem."""
        return not self.misfits and not any(key for _, key in self.unknown_keys)


MAX_MERGES = 100

_GO_NAMES: dict[type, str] = {str: "string", int: "int", bool: "bool"}


def read_typed(root: YamlNode, record: type[Record], version: int) -> Reading:
    """Read a document as a `record` of a spec minor version. Raises YamlError for errors at which yaml.v3 stops."""
    reader = _Reader(version)
    values = reader.record(root, record, (), root)
    return Reading({} if values is ABSENT else values, tuple(reader.faults), reader.misfits, tuple(reader.unknown_keys))


def build(record: type[Record], values: Any) -> Any:
    """A record with these values, without unknown keys and values of wrong types."""
    if type(values) is not dict:
        return record()
    if issubclass(record, TextMap):
        return record(**values)
    made: dict[str, Any] = {}
    for field in record.FIELDS:
        if field.name in values:
            value = _built(field, values[field.name])
            if value is not ABSENT:
                made[field.name] = value
    return record(**made)


def _built(field: Field, value: Any) -> Any:
    if field.many:
        if type(value) is not list:
            return ABSENT
        inner = field.record
        if inner is not None:
            return tuple(build(inner, one) for one in value if type(one) is dict)
        return tuple(one for one in value if type(one) is str)
    if field.record is not None:
        return build(field.record, value) if type(value) is dict else ABSENT
    if type(value) is not field.scalar:
        return ABSENT
    return Secret(str(value)) if field.secret_type else value


def names(record: type[Record], version: int) -> dict[str, tuple[int, Field]]:
    """YAML name -> (index in the order of declaration, field), for the fields that a record has in a version."""
    return {field.name: (index, field) for index, field in enumerate(record.FIELDS) if field.exists(version)}


class _Reader:
    """One walk over a tree. A `text_node` is the node that the text itself has at the path of a value, or None.

    It differs from the node of the value after an alias, a merge key or a dropped null element. Butane searches unknown
    keys and places in the text only.
    """

    def __init__(self, version: int) -> None:
        self.version = version
        self.faults: list[YamlProblem] = []
        self.misfits: dict[Path, YamlProblem] = {}
        self.unknown_keys: list[tuple[Path, YamlNode | None]] = []
        self.known: dict[type[Record], dict[str, tuple[int, Field]]] = {}
        self.open: set[int] = set()
        self.merging: set[int] = set()
        self.count = 0
        self.aliased = 0

    def value(self, node: YamlNode, field: Field, path: Path, text_node: YamlNode | None) -> Any:
        """The value of a field; ABSENT if it is null."""
        if node.kind == "alias":
            return self.alias(node, lambda target: self.value(target, field, path, text_node))
        self.count_value()
        if field.many:
            return self.elements(node, field, path, text_node)
        if field.record is not None:
            return self.record(node, field.record, path, text_node)
        return self.scalar(node, field.scalar or str, path)

    def alias(self, node: YamlNode, read: Any) -> Any:
        """The value of the node that an alias names."""
        if id(node) in self.open:
            message = f"anchor '{node.text}' value contains itself"
            raise YamlError(message, node.at, yaml_v3=f"yaml: {message}")
        self.open.add(id(node))
        made = read(node.items[0])
        self.open.discard(id(node))
        return made

    def count_value(self) -> None:
        """Count a value. Raises YamlError if too many values come from aliases; the limits are those of yaml.v3."""
        self.count += 1
        if not self.open:
            return
        self.aliased += 1
        if self.aliased > 100 and self.count > 1000 and self.aliased > self.count * _alias_share(self.count):
            message = "document contains excessive aliasing"
            raise YamlError(message, yaml_v3=f"yaml: {message}", hint="write repeated values out")

    def record(self, node: YamlNode, record: type[Record], path: Path, text_node: YamlNode | None) -> Any:
        """The values of a mapping by key. A key of its own wins over a key of a merged mapping."""
        if node.kind == "alias":
            return self.alias(node, lambda target: self.record(target, record, path, text_node))
        if issubclass(record, TextMap):
            return self.texts(node, path)
        known = self.known.get(record) or self.known.setdefault(record, names(record, self.version))
        self.note_unknown_keys(known, path, text_node)
        if node.kind != "mapping":
            return self.misfit(node, "mapping", path)
        values: dict[str, Any] = {}
        pairs: dict[str, tuple[YamlNode, YamlNode | None]] = {}
        own = _own(text_node) if text_node is not None and text_node.kind == "mapping" else {}
        if not self.collect(node, pairs, path, own):
            return values
        for name in sorted((name for name in pairs if name in known), key=lambda name: known[name][0]):
            inner, inner_text_node = pairs[name]
            value = self.value(inner, known[name][1], (*path, name), inner_text_node)
            if value is not ABSENT:
                values[name] = value
        values.update((key, None) for key in own if key not in known)
        return values

    def note_unknown_keys(self, known: dict[str, tuple[int, Field]], path: Path, text_node: YamlNode | None) -> None:
        """Note the keys that the record does not have, or the path if the text has no mapping there."""
        if text_node is None:
            return
        if text_node.kind != "mapping":
            self.unknown_keys.append((path, None))
            return
        keys = {key.text: key for key, _ in text_node.items}
        self.unknown_keys.extend(((*path, text), key) for text, key in keys.items() if text not in known)

    def collect(
        self, node: YamlNode, pairs: dict[str, tuple[YamlNode, YamlNode | None]], path: Path, own: dict[str, YamlNode]
    ) -> bool:
        """Add the values of a mapping to `pairs`, its own before merged ones; False if a key is repeated."""
        if not self.keys_are_unique(node, path):
            return False
        if len(self.merging) > MAX_MERGES or id(node) in self.merging:
            message = "mappings merge themselves" if id(node) in self.merging else "merge keys are nested too deeply"
            raise YamlError(message, node.at, yaml_v3=f"yaml: {message}")
        merge: YamlNode | None = None
        for key, value in node.items:
            if key.kind == "scalar" and key.text == "<<" and (key.plain or short_tag(key) == "!!merge"):
                merge = value
                continue
            name = self.key(key, path)
            if name is not None and name not in pairs:
                pairs[name] = (value, own.get(name))
        if merge is not None:
            self.merging.add(id(node))
            for source in self.merged(merge):
                self.collect(source, pairs, path, {})
            self.merging.discard(id(node))
        return True

    def merged(self, merge: YamlNode) -> list[YamlNode]:
        """The mappings that a merge key names. Raises YamlError if it names something else."""
        target = merge.items[0] if merge.kind == "alias" else merge
        found = merge.items if merge.kind == "sequence" else [merge]
        mappings = [one.items[0] if one.kind == "alias" else one for one in found]
        if (merge.kind == "alias" and target.kind != "mapping") or any(one.kind != "mapping" for one in mappings):
            message = "map merge requires map or sequence of maps as the value"
            raise YamlError(message, merge.at, yaml_v3=f"yaml: {message}")
        return mappings

    def keys_are_unique(self, node: YamlNode, path: Path) -> bool:
        """Whether no key of a mapping is repeated. A repeated key is added to the faults."""
        seen: dict[tuple[str, str], list[YamlNode]] = {}
        good = True
        for key, _ in node.items:
            before = seen.setdefault((key.kind, key.text), [])
            if before:
                message = f'mapping key "{key.text}" already defined at line '
                hint = "keep one of the two, or join them"
                yaml_v3 = "\n  ".join(f"line {key.line}: {message}{one.line}" for one in before[:10])
                problem = Problem((*path, key.text), f"{message}{before[0].line}", at=key.at, hint=hint)
                self.faults.append(YamlProblem(problem, yaml_v3))
                good = False
            before.append(key)
        return good

    def key(self, key: YamlNode, path: Path) -> str | None:
        """The text of a key; None if it is null. A key that is not a scalar is added to the faults, and gives None."""
        target = key.items[0] if key.kind == "alias" else key
        if target.kind != "scalar":
            yaml_v3 = f"line {target.line}: cannot unmarshal {tag_of(target)} into string"
            hint = "put a key that begins with [ or { in quotes"
            problem = Problem(path, f"a key must be a text, not a {target.kind}", at=key.at, hint=hint)
            self.faults.append(YamlProblem(problem, yaml_v3))
            return None
        text = text_of(target)
        return None if text is ABSENT else text

    def texts(self, node: YamlNode, path: Path) -> Any:
        """A mapping with keys that the author chooses, and texts as values. Null becomes an empty text."""
        if node.kind != "mapping":
            return self.misfit(node, "mapping", path)
        pairs: dict[str, tuple[YamlNode, YamlNode | None]] = {}
        self.collect(node, pairs, path, {})
        made = {name: self.text(value, (*path, name)) for name, (value, _) in pairs.items()}
        return {name: "" if value is ABSENT else value for name, value in made.items()}

    def text(self, node: YamlNode, path: Path) -> Any:
        """The text of such a key or element; ABSENT if it is null."""
        if node.kind == "alias":
            return self.alias(node, lambda target: self.text(target, path))
        return self.scalar(node, str, path)

    def elements(self, node: YamlNode, field: Field, path: Path, text_node: YamlNode | None) -> Any:
        """The values of a sequence; null elements are dropped."""
        if node.kind != "sequence":
            return self.misfit(node, "list", path)
        made: list[Any] = []
        text_nodes = text_node.items if text_node is not None and text_node.kind == "sequence" else ()
        for item in node.items:
            place, here = (*path, len(made)), text_nodes[len(made)] if len(made) < len(text_nodes) else None
            if is_null(item):
                continue
            self.count_value()
            value = self.element(item, field, place, here)
            if value is not ABSENT:
                made.append(value)
        return made

    def element(self, node: YamlNode, field: Field, path: Path, text_node: YamlNode | None) -> Any:
        """The value of one element."""
        if field.record is not None:
            return self.record(node, field.record, path, text_node)
        return self.text(node, path)

    def scalar(self, node: YamlNode, kind: type, path: Path) -> Any:
        """A scalar converted to its declared type. If that fails, note a misfit and return the natural value."""
        if node.kind != "scalar":
            return self.misfit(node, _GO_NAMES[kind], path)
        if kind is str:
            return text_of(node)
        tag, value = resolved(node)
        made = ABSENT if value is None else converted(value, kind)
        if made is not None:
            return made
        self.misfits[path] = mismatch(node, tag, _GO_NAMES[kind], path)
        return node.text if tag == "!!timestamp" else value

    def misfit(self, node: YamlNode, wanted: str, path: Path) -> Any:
        """Note a misfit of another kind than declared, and return an empty value of its kind; ABSENT for null."""
        if is_null(node):
            return ABSENT
        self.misfits[path] = mismatch(node, tag_of(node), wanted, path)
        return {} if node.kind == "mapping" else [] if node.kind == "sequence" else natural(node)


def _alias_share(count: int) -> float:
    """The share of values that may come from aliases: 0.99 of up to 400,000 values, falling to 0.10 of 4,000,000."""
    low, high = 400_000, 4_000_000
    return 0.99 - 0.89 * min(max(count - low, 0), high - low) / (high - low)


def _own(node: YamlNode) -> dict[str, YamlNode]:
    """The values of a mapping by key. Of equal keys the last one counts, as in Butane."""
    return {key.text: value for key, value in node.items}


class TextMap(Record):
    """Texts by keys that the author chooses."""

    @property
    def texts(self) -> dict[str, str]:
        """The texts by key."""
        return dict(self.__dict__)
