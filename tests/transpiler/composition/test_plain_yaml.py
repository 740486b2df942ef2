"""A tree as YAML without tags."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transpiler.strategies import configs, mistakes
from transpiler.butane.variants import table
from transpiler.composition.plain_yaml import plain_yaml
from transpiler.composition.values import Values
from transpiler.phases import transpile
from transpiler.reading.tree import parse_yaml
from transpiler.reading.yaml_node import YamlNode
from transpiler.translation_state import TranspileOptions


def same(one: YamlNode, other: YamlNode) -> bool:
    """Whether two trees have the same values; of a scalar, its text, its tag, and whether it may be a number."""
    if one.kind != other.kind:
        return False
    if one.kind == "mapping":
        pairs = [
            (a, b) for left, right in zip(one.items, other.items, strict=True) for a, b in zip(left, right, strict=True)
        ]
        return all(same(a, b) for a, b in pairs)
    if one.kind in {"sequence", "alias"}:
        return len(one.items) == len(other.items) and all(map(same, one.items, other.items))
    return (one.text, one.tag, one.plain or "\n" in one.text) == (
        other.text,
        other.tag,
        other.plain or "\n" in one.text,
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: 0644\nb: '0644'\nc: yes\nd: \"yes\"\ne:\nf: ''\n",
        "a: &x {b: [1, two]}\nc: *x\nd: {<<: *x, e: !!int 7}\n",
        'a: |\n  one\n\n  two\n\nb: |-\n   x\n   y\nc: "\\n \\t x \\u2028 \\xa0\\n"\n',
        "[]\n",
        "{}\n",
        "!odd x\n",
        "- '- x: #'\n- '!var x'\n- '@'\n- ' x'\n",
        "plain words\n  on two lines\n",
    ],
)
def test_reading_it_gives_the_same_tree(text: str) -> None:
    root = parse_yaml(text.encode())
    assert root is not None
    again = parse_yaml(plain_yaml(root).encode())
    assert again is not None
    assert same(root, again)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.booleans())
def test_any_text(text: str, plain: bool) -> None:
    from transpiler.reading.scalars import tag_of

    node = YamlNode("scalar", text, "", plain=plain and bool(text), line=1, column=1, items=[])
    root = YamlNode("sequence", "", "", plain=True, line=1, column=1, items=[node])
    again = parse_yaml(plain_yaml(root).encode())
    assert again is not None
    assert again.items[0].text == text
    assert plain or tag_of(again.items[0]) == tag_of(node)


@given(st.data())
def test_a_tree_without_tags_stays_the_same(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(list(table().values())))
    text = json.dumps(data.draw(configs(row).flatmap(mistakes))).encode()
    result = transpile(text, TranspileOptions(lints=False))
    composed = transpile(text, TranspileOptions(lints=False, values=Values(given=frozenset({"forces": 1}))))
    assert (composed.json, composed.error) == (result.json, result.error)
    assert [one for one in composed.problems if one.rule != "unused-variable"] == [*result.problems]
    if result.json:
        again = transpile(plain_yaml(composed.text.root).encode(), TranspileOptions(lints=False))
        assert (again.json, again.error) == (result.json, result.error)
