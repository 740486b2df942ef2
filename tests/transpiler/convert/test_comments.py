"""Comments of a YAML text, and their new places."""

from __future__ import annotations

from provision.config.problems import Path
from transpiler.convert.comments import comments_of, placed
from transpiler.convert.yaml_text import Comment, yaml_text
from transpiler.reading.tree import parse_yaml

TEXT = """\
# about the whole

# about a
a:  # beside a
  - x: 1  # beside x
    # about y
    y: |  # beside y
      # text
      z #text
  # below the first
b: "# text"  # it's "here"
c: p#q
# at the end
"""


def read(text: str) -> dict[Path, Comment]:
    return comments_of(text, parse_yaml(text.encode()))


def test_every_comment_belongs_to_what_it_stands_at() -> None:
    assert read(TEXT) == {
        (): Comment(above=("# about the whole",), below=("# at the end",)),
        ("a",): Comment(above=("# about a",), beside="# beside a"),
        ("a", 0): Comment(below=("# below the first",)),
        ("a", 0, "x"): Comment(beside="# beside x"),
        ("a", 0, "y"): Comment(above=("# about y",), beside="# beside y"),
        ("b",): Comment(beside='# it\'s "here"'),
    }


def test_comments_come_back_where_they_were() -> None:
    values = {"a": [{"x": 1, "y": "# text\nz #text\n"}], "b": "# text", "c": "p#q"}
    found, lost = placed(read(TEXT), values, lambda path: path)
    assert lost == 0
    again = yaml_text(values, found)
    assert read(again) == read(TEXT)


def test_a_comment_goes_with_what_is_made_of_its_entry() -> None:
    known: dict[Path, Comment] = {
        ("etcd", "name"): Comment(above=("# n",)),
        ("gone",): Comment(beside="# g"),
        ("x",): Comment(("# x",)),
    }
    sources: dict[Path, Path] = {("units",): ("units",), ("units", 0): ("etcd",), ("y",): ("x",)}
    found, lost = placed(known, {"units": [{"name": "etcd"}], "y": 1}, lambda path: sources.get(path, ("other",)))
    assert found == {("units", 0): Comment(above=("# n",)), ("y",): Comment(above=("# x",))}
    assert lost == 1


def test_a_text_without_entries_has_no_comments() -> None:
    assert read("# nothing else\n") == {}
