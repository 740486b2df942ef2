"""Checks that only some variants make."""

from __future__ import annotations

import pytest

from transpiler.butane.variant_checks import _is_data


@pytest.mark.parametrize(
    ("source", "data"),
    [("data:,a", True), ("DATA:,a", True), (":", True), ("http://a", False), ("http:data", False), ("", False)],
)
def test_the_scheme_of_a_source(source: str, data: bool) -> None:
    """A source that cannot be parsed counts as data: another rule reports it."""
    assert _is_data(source) == data
