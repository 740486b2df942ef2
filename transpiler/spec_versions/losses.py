"""What differs between a config and what was read again after it was written in another form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.config.format import Resource
from provision.config.model import VERSIONS, Field, Record
from provision.config.problems import Path, Problem
from provision.config.resources.content import ContentInvalid, inline_content


class Form(NamedTuple):
    """A version that was written: an index into `versions`.

    With `is_own`, fields say in which of these versions they exist. They do not if the config was translated.
    """

    version: int
    versions: Sequence[str] = VERSIONS
    is_own: bool = True

    @property
    def name(self) -> str:
        """The version as it is written."""
        return self.versions[self.version]

    def has(self, field: Field) -> bool:
        """Whether a field may be in this version."""
        return not self.is_own or field.exists(self.version)

    def since(self, field: Field) -> str:
        """What a field needs that this version does not have, as a hint."""
        return f"it needs {self.versions[field.since]}" if field.is_published and not self.has(field) else ""


def losses(before: Record, after: Record, form: Form, path: Path = ()) -> Iterator[Problem]:
    """An error for each field whose value did not come back from the form that was written.

    Contents in a config are equal if their bytes are, whatever their encoding.
    """
    if isinstance(before, Resource) and isinstance(after, Resource):
        before, after = _by_bytes(before, after)
    for field in type(before).FIELDS:
        here, there = getattr(before, field.name), getattr(after, field.name)
        place = (*path, field.json)
        if here == there or (path == ("ignition",) and field.name == "version"):
            continue
        if field.many and field.record is not None and len(here) == len(there):
            for index, (one, other) in enumerate(zip(here, there, strict=True)):
                yield from losses(one, other, form, (*place, index))
        elif field.record is not None and not field.many and form.has(field):
            yield from losses(here, there, form, place)
        elif not form.has(field) or there is None or there == ():
            yield Problem(
                place, f"{field.json} is not in version {form.name}", hint=form.since(field), rule="unsupported-field"
            )
        elif not (field.value_until and not here and not there):
            yield Problem(place, f"{field.json} means something else in version {form.name}", rule="changed-meaning")


def _by_bytes(before: Resource, after: Resource) -> tuple[Resource, Resource]:
    """Both resources, without the encoding of their contents if these are the same bytes in the config."""
    if before == after or before.source is None or after.source is None:
        return before, after
    try:
        same = inline_content(before) == inline_content(after) is not None
    except ContentInvalid:
        same = False
    if not same:
        return before, after
    kept: dict[str, object] = {"source": "data:,", "compression": None}
    return before.changed(**kept), after.changed(**kept)
