"""Records whose fields are in a table: the options of a program, the sections of a dialect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from provision.config.model import Record, nested, optional

_Base = TypeVar("_Base", bound=Record)


def extended(base: type[_Base], fields: Mapping[str, tuple[type, str]], secrets: Collection[str] = ()) -> type[_Base]:
    """A record with further fields: name -> its type, and what it holds. The values of `secrets` are never shown."""
    members = {
        name: nested(kind, doc) if issubclass(kind, Record) else optional(doc, secret=name in secrets)
        for name, (kind, doc) in fields.items()
    }
    annotations = {name: kind for name, (kind, _) in fields.items()}
    return type(base.__name__, (base,), {**members, "__doc__": base.__doc__, "__annotations__": annotations})
