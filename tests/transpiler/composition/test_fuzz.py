"""No value can change the structure of a config, and no text makes the program fail."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from provision.config.resources.content import inline_content
from transpiler.composition.plain_yaml import plain_yaml
from transpiler.composition.values import Document, Values, text_node
from transpiler.phases import transpile
from transpiler.reading.tree import parse_yaml
from transpiler.reading.yaml_node import YamlNode
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        ["x\n  - y: 1", "{a: b}", "[", "*a", "&a x", "!var host", "- x", "'", '"', "a: b", "---\n", "# x", "<<"]
    ),
)


@given(TEXTS, TEXTS)
def test_a_value_changes_no_structure(value: str, secret: str) -> None:
    text = HEAD + (
        "storage: {files: [{path: /a, contents: {inline: !var x}}, {path: /b, contents: {inline: !secret y}}]}\n"
    )
    values = Values({"x": text_node(value)}, secrets={"y": secret})
    result = transpile(text.encode(), TranspileOptions(values=values, lints=False))
    assert not result.failed, result.render()
    files = result.config.storage.files if result.config else ()
    assert [one.path for one in files] == ["/a", "/b"]
    assert [inline_content(one.contents) for one in files] == [value.encode(), secret.encode()]
    assert transpile(plain_yaml(result.text.root).encode(), TranspileOptions(lints=False)).json == result.json


_NODES = st.recursive(
    st.sampled_from(["!var a", "!var list", "!env A", "!secret s", "!format '{a}{secret.s}'", "!include f.bu", "x", "7",
                     "&n y", "*n", "!var {name: b, default: [1], type: list}", "!format '{'",
                     "!odd z", "~", "!include {}"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
    | st.dictionaries(st.sampled_from(["a", "storage", "files", "path", "<<", "extends"]), inner, max_size=3).map(
        lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
    ),
    max_leaves=8,
)  # fmt: skip


@given(_NODES, _NODES, _NODES)
def test_any_parts_end_with_a_result_or_problems(main: str, base: str, included: str) -> None:
    values = Values({"a": text_node("1"), "list": _list()}, environment={"A": "x"}, secrets={"s": "horse battery"})
    folder = Path(__file__).parent
    texts = [f"{HEAD}storage: {one}\nextends: {other}\n".encode() for one, other in ((main, base), (base, included))]
    result = transpile(texts[0], TranspileOptions(bases=[Document("base", texts[1])], files_dir=folder, values=values))
    assert bool(result.json) != result.failed
    assert "horse" not in result.render() + result.error
    assert all(finding.at is None or finding.at.line >= 0 for finding in result.findings())


def _list() -> YamlNode:
    root = parse_yaml(b"[{path: /a}]", file="vars")
    assert root is not None
    return root
