"""YAML that is written is read again as the same values."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from transpiler.convert.yaml_text import Comment, Octal, yaml_text
from transpiler.reading.tree import parse_yaml
from transpiler.reading.yaml_node import YamlNode

LETTERS = st.sampled_from("ab \n\t#:-'\"\\|>{}[],&*!%@`~?=0\r\x85\u2028\ufeff\x00\x7f\x1b\xa0é😀\xad")
ODD = ("yes", "1.0", "null", "~", "0x1", "1:30", "<<", "=", "---", "...", "2001-01-01", "", "1_0", "- a", "? a")
TEXTS = st.one_of(st.text(LETTERS, max_size=12), st.text(max_size=10), st.sampled_from(ODD))
VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner, min_size=1)
    ),
    max_leaves=5,
)


def plain(node: YamlNode) -> Any:
    """The texts of a tree."""
    if node.kind == "scalar":
        return node.text
    if node.kind == "sequence":
        return [plain(one) for one in node.items]
    return {key.text: plain(one) for key, one in node.items}


@given(st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1))
def test_texts_are_read_again_by_two_readers(values: dict[str, Any]) -> None:
    text = yaml_text(values)
    root = parse_yaml(text.encode())
    assert root is not None
    assert plain(root) == values, text
    assert yaml.safe_load(text) == values, text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Octal(0o644), "0644"),
        (Octal(0o4755), "04755"),
        (Octal(0), "0000"),
        (True, "true"),
        (7, "7"),
        ("1.5.0", "1.5.0"),
        ("no", "'no'"),
        ("it's", "it's"),
        ("a: b", "'a: b'"),
        ("a\r\nb", '"a\\r\\nb"'),
        ("\ud800", '"\ufffd"'),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_scalars_look_as_people_write_them(value: object, written: str) -> None:
    assert yaml_text({"a": value}) == f"a: {written}\n"


def test_comments_stand_above_beside_and_below() -> None:
    comments = {
        (): Comment(above=("# top",), below=("# end",)),
        ("a",): Comment(above=("# one", "# two"), beside="# here"),
        ("a", 0): Comment(above=("# item",), below=("# last",)),
        ("a", 0, "x"): Comment(above=("# key",), beside="# side"),
        ("a", 0, "z"): Comment(beside="# block"),
    }
    assert yaml_text({"a": [{"x": 1, "z": "p\nq\n"}]}, comments) == (
        "# top\n"
        "\n"
        "# one\n"
        "# two\n"
        "a:  # here\n"
        "  # item\n"
        "  # key\n"
        "  - x: 1  # side\n"
        "    z: |  # block\n"
        "      p\n"
        "      q\n"
        "  # last\n"
        "# end\n"
    )
