"""Random configs of every variant, with and without mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from provision.config.model import Field, Record
from transpiler.butane.records import ROLE_LABEL
from transpiler.butane.variants import Variant
from transpiler.reading.typed import TextMap

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_TEXTS: dict[str, list[str]] = {
    "path": ["/a", "/etc/x", "a", "/var/lib/x"],
    "device": ["/dev/vda", "/dev/mapper/root", "vdb", ""],
    "name": ["core", "a.service", "x.conf", "root", "web.container", "a@1.pod"],
    "format": ["ext4", "xfs", "swap", "none", "zfs"],
    "layout": ["x86_64", "aarch64", "s390x-virt", "arm"],
    "local": ["motd", "nope", "../x", "tree"],
    "contents_local": ["unit", "nope"],
    "source": ["https://example.com/x", "data:,a", "ftp://x", ""],
    "inline": ["hello", "a\nb\n", "x" * 200],
    "compression": ["gzip", "", "bz2"],
    "level": ["raid1", "raid0", "x"],
}
_INTS = st.sampled_from([0, 1, 2, 3, 420, 493, 644, 755, 8192, -1])


def configs(row: Variant) -> SearchStrategy[dict[str, Any]]:
    """Configs of a row, mostly of the right types."""
    return _records(row.record, row.spec_minor, row, depth=0)


@st.composite
def _records(draw: st.DrawFn, record: type[Record], version: int, row: Variant, depth: int) -> dict[str, Any]:
    if issubclass(record, TextMap):
        return {ROLE_LABEL: "worker", **draw(st.dictionaries(st.sampled_from(["a", "b"]), st.just("x")))}
    fields = [field for field in record.FIELDS if field.exists(version)]
    chosen = draw(st.lists(st.sampled_from(fields), max_size=6, unique_by=lambda field: field.name))
    made = {field.name: draw(_value(field, version, row, depth)) for field in chosen}
    if depth == 0:
        made |= {"variant": row.name, "version": row.version}
    return made


def _value(field: Field, version: int, row: Variant, depth: int) -> SearchStrategy[Any]:
    if field.record is not None:
        one: SearchStrategy[Any] = _records(field.record, version, row, depth + 1)
    elif field.scalar is int:
        one = _INTS
    elif field.scalar is bool:
        one = st.booleans()
    else:
        one = st.sampled_from([*_TEXTS.get(field.name, []), "text", "é\u2028", "- x: #"])
    return st.lists(one, max_size=3) if field.many else one


def mistakes(config: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    """The config, or the same with some values of other types and some misspelled keys."""
    return st.one_of(st.just(config), st.randoms(use_true_random=False).map(lambda random: _spoilt(config, random)))


def _spoilt(value: Any, random: Any) -> Any:
    if random.random() < 0.08:
        return random.choice([None, "text", 7, 1.5, True, [], {}, ["a"], {"a": 1}])
    if isinstance(value, dict):
        kept = {"variant", "version"}
        spoilt = {key: one if key in kept else _spoilt(one, random) for key, one in value.items()}
        return {**spoilt, "unknown": 1} if random.random() < 0.1 else spoilt
    return [_spoilt(one, random) for one in value] if isinstance(value, list) else value
