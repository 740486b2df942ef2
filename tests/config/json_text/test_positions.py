"""Where problems lie in a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from provision.config.json_text.positions import locate, spans
from provision.config.problems import Path, Position
from tests.config.configs import configs

TEXT = """{
  "ignition": {"version": "3.4.0"},
  "storage": {"fil\\u0065s": [
    {"path": "/é", "mode": 1}, {"Path": "/b"}
  ], "links": []}
}"""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 1, 1),
        (("storage",), 3, 14),
        (("storage", "files"), 3, 29),
        (("storage", "files", 0), 4, 5),
        (("storage", "files", 0, "mode"), 4, 29),
        (("storage", "files", 1, "path"), 4, 42),
        (("storage", "files", 1, "mode"), 4, 33),
        (("storage", "files", 7, "mode"), 3, 29),
        (("passwd", "users", 0), 1, 1),
    ],
)
def test_values_are_found_by_path(path: Path, line: int, column: int) -> None:
    assert locate(TEXT, path) == Position(line, column)


def test_keys_are_found_too() -> None:
    assert locate(TEXT, ("storage", "files", 0, "mode"), on_key=True) == Position(4, 21)


def test_of_a_repeated_key_the_last_counts() -> None:
    assert locate('{"a": {"b": 1}, "a": {"c": 2}}', ("a", "b")) == Position(1, 22)


@given(configs())
def test_every_value_of_a_text_is_found(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=1)
    paths = list(every_path(value, ()))
    for path, span in spans(text, paths, exact=True).items():
        inner: Any = value
        for part in path:
            inner = inner[part]
        assert json.JSONDecoder().raw_decode(text[span.start :])[0] == inner
    assert set(spans(text, paths)) == set(paths)


def every_path(value: Any, path: Path) -> Any:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from every_path(inner, (*path, key))
