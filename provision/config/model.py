"""How a record of the config format is declared: one line for each field. Everything else is derived from these lines.

    class Luks(Record, key="name"):
        name: str = value("name of the volume")
        clevis: Clevis = nested(Clevis, "automatic unlocking")
        discard: bool | None = optional("pass discards through", since="3.4")
        tang: tuple[Tang, ...] = list_of(Tang, "Tang servers")

`value` always exists (Go's value type: absent is the same as zero), `optional` may be absent and is then None.
Attribute names are the YAML names; camel-cased they are the JSON names. Fields are declared in the order in which JSON
is written.

A record stores only the fields that were set; defaults are attributes of its class. So a class is cheap to define (six
processes run in a boot, and forty dataclasses cost 18 ms in each), and a record is cheap to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, ClassVar, NamedTuple, NoReturn, Self, cast, dataclass_transform, get_args

VERSIONS = ("3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.5.0", "3.6.0", "3.7.0-experimental")
"""Every version of the format, oldest first. A version is known by its index here, which is its minor number."""

NEWEST = len(VERSIONS) - 1

STORED = len(VERSIONS)
"""Stands for the form in which a config is kept between stages: every field exists, even those of no version."""

_NOTHING: Mapping[str, Any] = {}


class Secret(str):
    """A text that cannot be printed by accident: `str()`, `repr()` and f-strings give `***`.

    `reveal()` is the one way to the text; JSON encoding and `bytes.join`-like writers see the text itself.
    """

    __slots__ = ()

    def __new__(cls, text: object) -> Self:
        """`Secret(secret)` gives the same secret, not a Secret with the text `***`."""
        return super().__new__(cls, text.reveal() if isinstance(text, Secret) else text)

    def __repr__(self) -> str:
        return "'***'"

    def __str__(self) -> str:
        return "***"

    def __format__(self, _spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        """The text itself, as a plain string."""
        return str.__str__(self)


def masked(text: str, secrets: Iterable[str]) -> str:
    """A text, such as a program's output, with `***` in place of each of these secrets."""
    for secret in sorted({one for one in secrets if one}, key=len, reverse=True):
        text = text.replace(secret, str(Secret(secret)))
    return text


class Field(NamedTuple):
    """One field of a record, with all that was declared about it.

    `scalar` is `str`, `int` or `bool` for a plain value or a list of them, else None and `record` is set. `optional`
    is True for Go's pointer types: absent or null differs from zero. Versions are indices into VERSIONS; `until` is the
    first version that no longer has the field. `secret` values are not shown; those of `secret_type` are Secrets.
    Fields of one record with the same `unique_by` share their keys: no key may occur twice in these lists together.
    `limits` are keywords of JSON Schema; a rule of the same meaning reports what breaks them. `author_limits` are
    further ones: Ignition does not check them, and authors are warned. `constraint` says in words what is allowed. An
    `omit_empty` field is left out of JSON when it is zero. In versions before `value_until` an optional field is a
    value; before `pointer_until` a record can be absent.
    """

    name: str
    json: str
    doc: str
    scalar: type | None
    record: type[Record] | None
    many: bool
    optional: bool
    default: Any
    since: int
    until: int | None
    appends: bool
    unique_by: str
    secret: bool
    secret_type: bool
    choices: Mapping[str, int]
    example: Any
    constraint: str
    omit_empty: bool
    value_until: int
    pointer_until: int
    limits: Mapping[str, Any]
    author_limits: Mapping[str, Any]

    @property
    def is_mode(self) -> bool:
        """Whether the value is permission bits, which people write in octal."""
        return self.scalar is int and self.name.endswith("mode")

    @property
    def meaning(self) -> str:
        """The description of the field, with the constraint on its values."""
        return f"{self.doc}; {self.constraint}" if self.constraint else self.doc

    @property
    def is_published(self) -> bool:
        """Whether any version has the field. Others hold what configs of version 2.x say."""
        return self.until is None or self.since < self.until

    def exists(self, version: int) -> bool:
        """Whether the field is part of this version of the format."""
        return version == STORED or (self.since <= version and (self.until is None or version < self.until))


class _Declared(NamedTuple):
    """What a declarer (`value`, `optional`, `list_of`, `nested`) returns; the class makes a Field of it."""

    kind: str
    doc: str
    record: type[Record] | None = None
    scalar: type | None = None
    since: str = "3.0"
    until: str = ""
    appends: bool = False
    unique_by: str = ""
    secret: bool = False
    choices: Mapping[str, str] = {}
    example: Any = None
    constraint: str = ""
    omit_empty: bool = False
    value_until: str = "3.0"
    pointer_until: str = "3.0"
    limits: Mapping[str, Any] = {}
    author_limits: Mapping[str, Any] = {}


def minor(version: str) -> int:
    """The index in VERSIONS of a version written as `3.4`."""
    return int(version.split(".")[1])


def value(  # noqa: PLR0913 - one keyword for each property of a field
    doc: str,
    *,
    since: str = "3.0",
    until: str = "",
    secret: bool = False,
    example: Any = None,
    constraint: str = "",
    omit_empty: bool = False,
    limits: Mapping[str, Any] = _NOTHING,
    author_limits: Mapping[str, Any] = _NOTHING,
    default: Any = None,  # noqa: ARG001 - tells type checkers that the value may be left out when a record is made
) -> Any:
    """A value that always exists: a name, a path, a number. Absent is the same as empty or zero."""
    return _Declared(
        "value",
        doc,
        since=since,
        until=until,
        secret=secret,
        example=example,
        constraint=constraint,
        omit_empty=omit_empty,
        limits=limits,
        author_limits=author_limits,
    )


def optional(  # noqa: PLR0913 - one keyword for each property of a field
    doc: str,
    *,
    since: str = "3.0",
    until: str = "",
    secret: bool = False,
    choices: Mapping[str, str] = _NOTHING,
    example: Any = None,
    constraint: str = "",
    value_until: str = "3.0",
    limits: Mapping[str, Any] = _NOTHING,
    author_limits: Mapping[str, Any] = _NOTHING,
) -> Any:
    """A value that may be absent, which is not the same as empty. `choices`: allowed value -> its first version."""
    return _Declared(
        "optional",
        doc,
        since=since,
        until=until,
        secret=secret,
        choices=choices,
        example=example,
        constraint=constraint,
        value_until=value_until,
        limits=limits,
        author_limits=author_limits,
    )


def list_of(  # noqa: PLR0913 - one keyword for each property of a field
    element: type,
    doc: str,
    *,
    since: str = "3.0",
    until: str = "",
    appends: bool = False,
    unique_by: str = "",
    secret: bool = False,
    example: Any = None,
    constraint: str = "",
) -> Any:
    """A list of records, or of strings.

    `appends`: merging appends, and equal elements are allowed. `unique_by` names the keys that several lists of one
    record share.
    """
    is_record = issubclass(element, Record)
    return _Declared(
        "list",
        doc,
        record=element if is_record else None,
        scalar=None if is_record else element,
        since=since,
        until=until,
        appends=appends,
        unique_by=unique_by,
        secret=secret,
        example=example,
        constraint=constraint,
    )


def nested(  # noqa: PLR0913 - one keyword for each property of a field
    record: type[Record],
    doc: str,
    *,
    since: str = "3.0",
    until: str = "",
    example: Any = None,
    constraint: str = "",
    pointer_until: str = "3.0",
) -> Any:
    """A nested record. It always exists; one that was not written is empty."""
    return _Declared(
        "nested",
        doc,
        record=record,
        since=since,
        until=until,
        example=example,
        constraint=constraint,
        pointer_until=pointer_until,
    )


def camel(name: str) -> str:
    """The JSON name of an attribute: `type_guid` -> `typeGuid`, `size_mib` -> `sizeMiB`."""
    first, *rest = name.split("_")
    return first + "".join("MiB" if word == "mib" else word.capitalize() for word in rest)


def _field(name: str, declared: _Declared, annotation: Any) -> Field:
    kind, record = declared.kind, declared.record
    scalar: type | None = declared.scalar
    plain: type | None = None
    default: Any = ()
    if kind in {"value", "optional"}:
        plain = get_args(annotation)[0] if isinstance(annotation, UnionType) else annotation
        scalar = next(one for one in (bool, int, str) if issubclass(cast("type", plain), one))
        default = scalar() if kind == "value" else None
    elif kind == "nested":
        default = cast("type[Record]", record)()
    return Field(
        name=name,
        json=camel(name),
        doc=declared.doc,
        scalar=scalar,
        record=record,
        many=kind == "list",
        optional=kind == "optional",
        default=default,
        since=minor(declared.since),
        until=minor(declared.until) if declared.until else None,
        appends=declared.appends,
        unique_by=declared.unique_by or name,
        secret=declared.secret,
        secret_type=plain is Secret,
        choices={choice: minor(since) for choice, since in declared.choices.items()},
        example=declared.example,
        constraint=declared.constraint,
        omit_empty=declared.omit_empty,
        value_until=minor(declared.value_until),
        pointer_until=minor(declared.pointer_until),
        limits=declared.limits,
        author_limits=declared.author_limits,
    )


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(value,))
class Record:
    """A record of the format: frozen, compared by value, made with keyword arguments only.

    Class keywords: `key` names a field, or is a function of the record. Elements of a list with the same key are
    merged, or reported as duplicates.
    """

    FIELDS: ClassVar[tuple[Field, ...]] = ()
    BY_JSON: ClassVar[Mapping[str, Field]] = {}
    KEY: ClassVar[Callable[[Any], str] | None] = None
    KEYED_BY: ClassVar[str] = ""

    def __init_subclass__(cls, key: str | Callable[[Any], str] | None = None) -> None:
        annotations = cls.__annotations__  # read once, before the loop: reading it may change the class's dictionary
        own = {
            name: _field(name, declared, annotations[name])
            for name, declared in vars(cls).items()
            if isinstance(declared, _Declared)
        }
        inherited = [own.pop(field.name, field) for field in cls.FIELDS]
        cls.FIELDS = (*inherited, *own.values())
        cls.BY_JSON = {field.json: field for field in cls.FIELDS}
        for field in cls.FIELDS:
            setattr(cls, field.name, field.default)
        if isinstance(key, str):
            cls.KEY = staticmethod(lambda record, _name=key: getattr(record, _name) or "")
            cls.KEYED_BY = f"`{camel(key)}`"
        elif key is not None:
            cls.KEY = staticmethod(key)
            cls.KEYED_BY = key.__doc__ or ""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, _value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: use changed({name}=...)")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in self.FIELDS)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, field.name) for field in self.FIELDS))

    def __repr__(self) -> str:
        shown = (f"{field.name}={'***' if field.secret else repr(value)}" for field, value in self.items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def items(self) -> Iterator[tuple[Field, Any]]:
        """The fields that differ from their defaults, in declared order, with their values."""
        for field in self.FIELDS:
            value = getattr(self, field.name)
            if value is not field.default and value != field.default:
                yield field, value

    def is_set(self, name: str) -> bool:
        """Whether the field was written at all, even with its default value (an empty `clevis: {}` counts)."""
        return name in self.__dict__

    def changed(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**{**self.__dict__, **changes})

    @property
    def is_empty(self) -> bool:
        """Whether every field has its default."""
        return all(False for _ in self.items())


def key_of(element: object) -> str:
    """The key of an element of a list: two elements with one key are the same one. A string is its own key."""
    if not isinstance(element, Record):
        return str(element)
    key = type(element).KEY
    return key(element) if key else ""
