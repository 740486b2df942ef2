"""The schemas: checked in as generated, and one mind with the decoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from docs.generate.butane_page import generated
from tests.transpiler.strategies import configs, mistakes
from transpiler.butane.schemas import documents
from transpiler.butane.types_and_keys import SCHEMAS, by_schema
from transpiler.butane.variants import Variant, table
from transpiler.reading.tree import parse
from transpiler.reading.typed import Reading, read

ROWS = list(table().values())


@pytest.mark.parametrize(("path", "content"), generated().items(), ids=str)
def test_checked_in_as_generated(path: Path, content: str) -> None:
    assert (SCHEMAS.parent / path).read_text("utf-8") == content


def test_none_is_left_over() -> None:
    assert {path.name for path in SCHEMAS.glob("butane*.json")} == set(documents())


@pytest.mark.parametrize("name", documents())
def test_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(documents()[name])


def reading_of(config: dict[str, Any], row: Variant) -> Reading:
    root = parse(json.dumps(config).encode())
    assert root is not None
    return read(root, row.record, row.spec_minor)


@given(st.data())
def test_decoder_and_schema_find_the_same(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(ROWS))
    config = data.draw(mistakes(data.draw(configs(row))))
    reading = reading_of(config, row)
    verdict = by_schema(reading.values, row)
    assert verdict.types == frozenset(reading.misfits)
    assert verdict.keys == frozenset(path for path, key in reading.unknown_keys if key)
    assert reading.fits == (not verdict.types and not verdict.keys)
