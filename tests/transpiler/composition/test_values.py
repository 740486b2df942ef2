"""The values of tags, from the command line and from files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from transpiler.composition.values import Values, ValuesError, read_values
from transpiler.phases import transpile
from transpiler.reading.scalars import tag_of
from transpiler.translation_state import TranspileOptions


def test_later_files_win_and_the_command_line_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: 1\ny: [1, {z: 2}]\nw: 1\n")
    (tmp_path / "b.json").write_text('{"x": 2, "w": 2}')
    files = [str(tmp_path / name) for name in ("a.yaml", "b.json")]
    values = read_values(["w=3=4"], files, environment={})
    assert {name: node.text for name, node in values.variables.items()} == {"x": "2", "y": "", "w": "3=4"}
    assert values.variables["x"].at == (1, 7, files[1])
    assert values.given == {"w"}


def test_secrets_of_files_directories_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("a: one\nb: 7\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "c").write_text("two\n\n")
    (tmp_path / "folder" / "not a name").write_text("x")
    files = [str(tmp_path / name) for name in ("secrets.yaml", "folder")]
    values = read_values(secret_files=files, environment={"TRANSPILE_SECRET_D_E": "three", "a": "no"})
    assert [values.secret(name) for name in ("a", "b", "c", "d-e", "f")] == ["one", "7", "two\n", "three", None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", r"x\.yaml:1:1: error: a file of values is a mapping"),
        ("a: 1\na: 2\n", r"x\.yaml:2:1: error: the name a is given twice"),
        ("a b: 1\n", r"x\.yaml:1:1: error: a name begins"),
        ("a: [!var b]\n", r"x\.yaml:1:5: error: !var cannot be used"),
        ("a: 'hunter2\n", r"x\.yaml:\d:\d+: error: "),
        ("a: [\nb: 1\n", r"x\.yaml:1:4: error: the bracket that begins here is not closed.*\(hint: close it"),
        ("a: \x00\n", r"x\.yaml:1:\d: error: "),
    ],
)
def test_files_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ValuesError) as raised:
        read_values(variable_files=[str(tmp_path / "x.yaml")])
    assert re.search(message, str(raised.value))
    assert "hunter2" not in str(raised.value)


def test_json_may_write_a_character_as_two_escapes(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(r'{"a": "\uD83D\uDE00 \\ud83d\\ude00 \u00e9", "b": "\ud83d\ude00"}')
    values = read_values(variable_files=[str(tmp_path / "x.json")]).variables
    assert [values[name].text for name in "ab"] == ["\U0001f600 \\ud83d\\ude00 \u00e9", "\U0001f600"]
    (tmp_path / "x.json").write_text(r'{"a": "\ud83d"}')
    with pytest.raises(ValuesError, match=r"x\.json:1:\d+: error: "):
        read_values(variable_files=[str(tmp_path / "x.json")])


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("v.json", '"80"', "remove the quotes"),
        ("v.json", '"0644"', "write 420: JSON has no octal numbers"),
        ("v.json", '"0x1f"', "write a number, without unit"),
        ("v.json", '"80 MB"', "write a number, without unit"),
        ("v.yaml", '"80"', "remove the quotes"),
        ("v.yaml", '"0644"', "remove the quotes"),
        ("v.yaml", '"many"', "write a number, without unit"),
    ],
)
def test_quotes_are_named_only_if_they_are_the_mistake(name: str, value: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f'{{"n": {value}}}')
    text = b"variant: fcos\nversion: 1.5.0\npasswd: {users: [{name: a, uid: !var n}]}\n"
    values = read_values(variable_files=[str(tmp_path / name)])
    (found,) = transpile(text, TranspileOptions(values=values)).problems
    assert found.hint == hint


def test_other_mistakes(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("a: [hunter2]\n")
    for variables, files in ((["x"], []), (["=1"], []), (["x=\udcff"], []), ([], ["secrets.yaml"]), ([], ["none"])):
        with pytest.raises(ValuesError) as raised:
            read_values(variables, secret_files=[str(tmp_path / one) for one in files])
        assert "hunter2" not in str(raised.value)


def test_no_value_is_null() -> None:
    nodes = read_values(["a=", "b=null", "c=~", "d=7"], environment={}).variables
    assert [tag_of(node) for node in nodes.values()] == ["!!str", "!!str", "!!str", "!!int"]
    assert [node.plain for node in nodes.values()] == [True] * 4


def test_values_are_empty_by_default() -> None:
    assert Values().secret("x") is None
