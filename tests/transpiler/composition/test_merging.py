"""The tree of merged documents follows the merge of their records."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provision.config.merge import merge
from tests.transpiler.strategies import configs
from transpiler.butane.records import Fcos
from transpiler.butane.variants import table
from transpiler.composition.values import Document
from transpiler.phases import transpile
from transpiler.reading.tree import parse_yaml
from transpiler.reading.typed import build, read_typed
from transpiler.translation_state import TranspileOptions

ROW = table()["fcos", "1.7.0"]
ALTERNATIVES = {"inline", "local", "contents_local", "source"}
"""A machine sees only what sugar makes of these, so the tree has a rule of its own for them."""


def without_alternatives(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_alternatives(one) for name, one in value.items() if name not in ALTERNATIVES}
    return [without_alternatives(one) for one in value] if isinstance(value, list) else value


def record_of(text: bytes) -> Any:
    root = parse_yaml(text)
    assert root is not None
    return build(Fcos, read_typed(root, Fcos, ROW.spec_minor).values)


@given(st.lists(configs(ROW).map(without_alternatives), min_size=2, max_size=3))
def test_the_tree_follows_the_records(values: list[Any]) -> None:
    *bases, last = (json.dumps(value).encode() for value in values)
    result = transpile(last, TranspileOptions(bases=[Document(str(index), text) for index, text in enumerate(bases)]))
    if result.text.root is None:  # one of them has repeated entries
        return
    expected = record_of(bases[0])
    for text in (*bases[1:], last):
        expected = merge(expected, record_of(text))
    found = read_typed(result.text.root, Fcos, ROW.spec_minor)
    assert found.fits
    assert build(Fcos, found.values) == expected
