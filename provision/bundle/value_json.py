"""The answers of a `MachineView` as plain JSON values, and back: each is of the type that its method returns."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from provision.planning.machine_view import MachineView

MAX_NUMBER = 1 << 64
MAX_ENTRIES = 1 << 16
"""More partitions than that no table has; plans count through them."""


def to_plain(value: object) -> object:
    """A value as JSON has it: records become lists, bytes base64."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(one) for one in value]
    return value


def answer_of(question: str, plain: object) -> Any:
    """The answer of that method of a MachineView. Raises ValueError or TypeError for another value."""
    return _typed(_returned(question), plain)


@cache
def _returned(question: str) -> Any:
    return get_type_hints(getattr(MachineView, question))["return"]


@cache
def _fields(record: type) -> dict[str, Any]:
    return get_type_hints(record)


def _typed(hint: Any, plain: object) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _one_of([one for one in arguments if one is not NoneType], plain, none=NoneType in arguments)
    if origin is not None:
        return _many(origin, arguments, plain)
    return _record(hint, plain) if hasattr(hint, "_fields") else _scalar(hint, plain)


def _one_of(hints: Sequence[Any], plain: object, *, none: bool) -> Any:
    """A value of a union: of None and one other type, or of several plain types."""
    if plain is None and none:
        return None
    return _typed(hints[0] if len(hints) == 1 else type(plain) if type(plain) in hints else hints[0], plain)


def _scalar(hint: Any, plain: object) -> Any:
    if hint is bytes and isinstance(plain, str):
        return b64decode(plain, validate=True)
    if issubclass(hint, Enum):
        return hint(plain)
    if type(plain) is not hint or (hint is int and not 0 <= int(str(plain)) < MAX_NUMBER):
        raise TypeError(f"not of the type {hint}")
    return plain


def _many(origin: Any, arguments: tuple[Any, ...], plain: object) -> Any:
    if issubclass(origin, Mapping):
        if not isinstance(plain, dict):
            raise TypeError("not an object")
        return {key: _typed(arguments[1], one) for key, one in plain.items()}
    if not isinstance(plain, list):
        raise TypeError("not a list")
    if origin is tuple and arguments[-1] is not Ellipsis:
        return tuple(_typed(hint, one) for hint, one in zip(arguments, plain, strict=True))
    return tuple(_typed(arguments[0], one) for one in plain)


def _record(record: Any, plain: object) -> Any:
    hints = _fields(record)
    if not isinstance(plain, list) or len(plain) != len(hints):
        raise TypeError(f"not a {record.__name__}")
    values = {name: _typed(hint, one) for (name, hint), one in zip(hints.items(), plain, strict=True)}
    if values.get("entries", 0) > MAX_ENTRIES or values.get("sector", 512) not in {512, 1024, 2048, 4096}:
        raise ValueError(f"an impossible {record.__name__}")
    return record(**values)
