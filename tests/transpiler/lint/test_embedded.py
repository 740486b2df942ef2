"""Problems of configs that a config merges stand at the lines of their own text."""

from __future__ import annotations

import pytest

from transpiler.phases import transpile

HEAD = "variant: fcos\nversion: 1.5.0\nignition:\n  config:\n    merge:\n"


def found(block: str) -> list[tuple[int, int, str, str]]:
    result = transpile((HEAD + block).encode())
    return [
        (one.at.line, one.at.column, one.problem.severity, one.message.partition(" (hint")[0])
        for one in result.findings()
        if one.at is not None
    ]


def test_a_problem_stands_at_the_line_of_the_inline_text() -> None:
    block = """\
      - inline: |
          {"ignition": {"version": "3.4.0"}, "foo": 1,
           "storage": {"files": [{"path": "etc/x"}]}}
storage:
  files:
    - path: /etc/y
"""
    within = "ignition.config.merge[0].inline: "
    assert found(block) == [
        (8, 43, "error", f"{within}storage.files[0].path: path not absolute"),
        (7, 46, "warning", f"{within}foo: unused key foo"),
    ]


@pytest.mark.parametrize(
    ("inline", "expected"),
    [
        ("'{'", "unexpected end of JSON input"),
        ("''", "the config is not valid: not a config (empty)"),
        ("'{}'", "the config is not valid: invalid config version (couldn't parse)"),
        ('"variant: fcos"', "this config is YAML, but machines merge JSON"),
    ],
)
def test_a_text_that_is_no_config(inline: str, expected: str) -> None:
    assert found(f"      - inline: {inline}\n") == [(6, 17, "error", f"ignition.config.merge[0].inline: {expected}")]
