"""The author's path of each part of the resulting config."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from provision.config.format import Config
from provision.config.merge import merge
from provision.config.model import Field, Record, key_of
from provision.config.problems import Path


class SourcePath(NamedTuple):
    """The author's path of a part of the result. If it is `whole`, everything below the part has the same path."""

    path: Path
    whole: bool = True


class Layer(NamedTuple):
    """The parts that a step of sugar `made` (new path -> author's path) and `moved` (new path -> path before it)."""

    made: dict[Path, SourcePath]
    moved: dict[Path, Path]


class Draft(NamedTuple):
    """A config and the steps of sugar so far. `merged` is true after a step that merges, even if it adds nothing."""

    config: Config
    layers: tuple[Layer, ...] = ()
    merged: bool = False

    def source_of(self, path: Path) -> Path:
        """The author's path of a part of the result. Steps are followed backwards, each by the longest known prefix."""
        for layer in reversed(self.layers):
            for length in range(len(path), 0, -1):
                start, rest = path[:length], path[length:]
                origin = layer.made.get(start)
                if origin is not None:
                    return origin.path if origin.whole else (*origin.path, *rest)
                if start in layer.moved:
                    path = (*layer.moved[start], *rest)
                    break
        return path

    def with_step(self, config: Config, made: dict[Path, SourcePath]) -> Draft:
        """The draft after a step that changed or added parts, but moved none. `made` maps new paths to the author's."""
        return self._replace(config=config, layers=(*self.layers, Layer(made, {})) if made else self.layers)

    def merged_over(self, parent: Config, origins: dict[Path, SourcePath]) -> Draft:
        """The draft merged over a parent that sugar made. `origins` maps paths of the parent to the author's paths."""
        if parent.is_empty:
            return self._replace(merged=True)
        merged = merge(parent, self.config)
        layer = Layer({}, {})
        _trace((merged, parent, self.config), _Paths((), (), ()), Draft(parent, (Layer(origins, {}),)), layer)
        return Draft(merged, (*self.layers, layer), merged=True)


class ButanePaths(NamedTuple):
    """The paths that Butane prints: the author's path for a value that is set, else its path in the result.

    An empty text or a zero in a field that cannot be absent counts as set only before the first merge.
    """

    draft: Draft
    version: int
    wrapped: bool

    def source_of(self, path: Path) -> Path:
        """The author's path of a part of the result if it is set, else its path in the result."""
        if self._is_set(self.draft.config, path):
            return self.draft.source_of(path)
        return ("spec", "config", *path) if self.wrapped else path

    def _is_set(self, record: Record, path: Path) -> bool:
        name, *rest = path
        field = next((field for field in type(record).FIELDS if field.name == name), None)
        if field is None:
            return False
        value, unmerged = getattr(record, field.name), not self.draft.merged
        if field.many and rest:
            index, *rest = rest
            value = value[index] if isinstance(index, int) and index < len(value) else None
        elif field.many:
            return record.is_set(field.name) if unmerged else any(map(self._has_something, value))
        if isinstance(value, Record):
            return self._is_set(value, tuple(rest)) if rest else self._has_something(value)
        if field.optional and self.version >= field.value_until:
            return value is not None
        return bool(value) or (unmerged and not rest)

    def _has_something(self, value: Any) -> bool:
        """Whether a record or list has a value whose path Butane tracks."""
        if not isinstance(value, Record):
            return bool(value)
        if not self.draft.merged:
            return bool(value.__dict__)
        return any(self._is_set(value, (name,)) for name in value.__dict__)


class _Paths(NamedTuple):
    """The path of one record or list in the merged config, in the parent, and in the child."""

    merged: Path
    parent: Path
    child: Path

    def below(self, name: str) -> _Paths:
        """The paths of a field."""
        return _Paths((*self.merged, name), (*self.parent, name), (*self.child, name))


Pairs = list[tuple[int | None, int | None]]
"""For each merged element, in order: its index in the parent's list and in the child's list, or None."""


def _trace(records: tuple[Any, Any, Any], at: _Paths, parent: Draft, layer: Layer) -> None:
    """Record in `layer`, for every list to which the parent added elements, where each element came from.

    The records are the merged one, the parent's and the child's.
    """
    merged, before, child = records
    for field in merged.FIELDS:
        theirs = before.__dict__.get(field.name)
        values = (getattr(merged, field.name), theirs, getattr(child, field.name))
        if theirs and field.many:
            pairs = merged_pairs(field, *values)
            _trace_list(values, pairs, at.below(field.name), parent, layer)
        elif theirs and field.record is not None:
            _trace(values, at.below(field.name), parent, layer)


def _trace_list(lists: tuple[Any, Any, Any], pairs: Pairs, at: _Paths, parent: Draft, layer: Layer) -> None:
    """Record where each element came from. A field that only the parent has comes from the parent."""
    merged, theirs, ours = lists
    if not ours:
        layer.made[at.merged] = SourcePath(parent.source_of(at.parent))
    for index, (of_parent, of_child) in enumerate(pairs):
        place = (*at.merged, index)
        if of_child is None:
            before = (*at.parent, of_parent or 0)
            layer.made[place] = SourcePath(parent.source_of(before))
            _inner_origins(place, before, parent, layer)
            continue
        layer.moved[place] = (*at.child, of_child)
        if of_parent is not None and isinstance(merged[index], Record):
            inner = _Paths(place, (*at.parent, of_parent), (*at.child, of_child))
            mine = ours[of_child].__dict__
            for name in theirs[of_parent].__dict__.keys() - mine.keys():
                layer.made[(*place, name)] = SourcePath(parent.source_of((*inner.parent, name)))
            _trace((merged[index], theirs[of_parent], ours[of_child]), inner, parent, layer)


def merged_pairs(field: Field, merged: Any, theirs: Any, ours: Any) -> Pairs:
    """Where each element of a merged list of `field` came from: the parent's list (`theirs`) and the child's."""
    return _appended(theirs, ours) if field.appends else _matched(merged, theirs, ours)


def _appended(theirs: Any, ours: Any) -> Pairs:
    """The pairs of a list in which the child's elements follow the parent's."""
    return [*((index, None) for index in range(len(theirs))), *((None, index) for index in range(len(ours)))]


def _matched(merged: Any, theirs: Any, ours: Any) -> Pairs:
    """The pairs of a list in which elements with the same key are merged."""
    children = {key_of(one): index for index, one in enumerate(ours)}
    found: Pairs = []
    for index, one in enumerate(theirs):
        key = key_of(one)
        if len(found) < len(merged) and key_of(merged[len(found)]) == key:
            found.append((index, children.get(key)))
    known = {key_of(one) for one in theirs}
    return [*found, *((None, index) for index, one in enumerate(ours) if key_of(one) not in known)]


def _inner_origins(place: Path, before: Path, parent: Draft, layer: Layer) -> None:
    """Record the author's paths of parts of an element that differ from the path of the whole element."""
    for made_at, origin in parent.layers[0].made.items():
        if made_at[: len(before)] == before and len(made_at) > len(before):
            layer.made[(*place, *made_at[len(before) :])] = origin


@cache
def yaml_name(name: str) -> str:
    """The YAML name of a JSON name: `typeGuid` -> `type_guid`, `sizeMiB` -> `size_mib`."""
    return re.sub("MiB|[A-Z]", lambda match: "_" + match[0].lower(), name)


def yaml_path(path: Path) -> Path:
    """A path of JSON names as a path of YAML names."""
    return tuple(yaml_name(part) if isinstance(part, str) else part for part in path)
