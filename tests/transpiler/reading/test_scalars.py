"""Scalars, texts and places equal those of yaml.v3."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.config.problems import Position
from transpiler.butane.source_map import yaml_name
from transpiler.butane.source_rules import is_reasonable_mode
from transpiler.butane.sugar.data_url import data_url, escaped_data_url
from transpiler.butane.sugar.mount_units import escape_path
from transpiler.phases import transpile
from transpiler.reading.local_files import join_below
from transpiler.reading.scalars import resolve_plain
from transpiler.reading.tree import MAX_NODES, parse_yaml, place_of
from transpiler.reading.yaml_problems import YamlError
from transpiler.translation_state import TranspileOptions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", 420),
        ("0o644", 420),
        ("0x1A4", 420),
        ("0b110100100", 420),
        ("-0o17", -15),
        ("+7", 7),
        ("1_000", 1000),
        ("06_44", 420),
        ("0888", 888.0),
        ("6.7", 6.7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("9223372036854775808", 1 << 63),
        ("-9223372036854775808", -(1 << 63)),
        ("+9223372036854775808", 9223372036854775808.0),
        ("99999999999999999999", 1e20),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("tRue", "tRue"),
        ("0x", "0x"),
        ("1e", "1e"),
        ("1:30", "1:30"),
        ("-", "-"),
        ("1.2.3", "1.2.3"),
        ("1e999", "1e999"),
        ("_1", "_1"),
    ],
)
def test_unquoted_scalars(text: str, value: object) -> None:
    found = resolve_plain(text)[1]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["2001-12-14", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43"])
def test_timestamps_keep_their_text(text: str) -> None:
    assert resolve_plain(text) == ("!!timestamp", text)


@pytest.mark.parametrize("text", ["2001-13-01", "2001-12-40", "20011-1-1", "2001-12"])
def test_texts_that_only_look_like_timestamps(text: str) -> None:
    assert resolve_plain(text)[0] == "!!str"


def test_places_count_characters_from_one() -> None:
    root = parse_yaml("a: é\nb:\n  - x: 1\n    é: [2, *k]\n".replace("*k", "k").encode())
    assert place_of(root, ("b", 0, "é", 1)) == Position(4, 12)
    assert place_of(root, ("b", 0, "nope", 1)) == Position(3, 5)
    assert place_of(root, ()) == Position(1, 1)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "-"),
        ("", "-"),
        ("/var/lib", "var-lib"),
        ("//var//lib/", "var-lib"),
        ("/a-b", "a\\x2db"),
        ("/.hidden/.x", "\\x2ehidden-.x"),
        ("/a b\t", "a\\x20b\\x9"),
        ("/é", "\\xc3\\xa9"),
    ],
)
def test_paths_in_unit_names(path: str, name: str) -> None:
    assert escape_path(path) == name


def test_the_shortest_data_url_is_chosen() -> None:
    assert data_url(b"", None, gzip=True) == ("data:,", "")
    assert data_url(b"hello", None, gzip=True) == ("data:,hello", "")
    assert data_url(b"\n" * 20, None, gzip=False) == ("data:;base64,CgoKCgoKCgoKCgoKCgoKCgoKCgo=", "")
    assert data_url(b"a" * 500, None, gzip=True).compression == "gzip"
    assert data_url(b"a" * 500, None, gzip=False).compression == ""
    assert data_url(b"a" * 500, "gzip", gzip=True) == ("data:," + "a" * 500, None)
    assert escaped_data_url(b"a b\xff") == ("data:,a%20b%FF", None)


@pytest.mark.parametrize(
    ("name", "path"), [("a", "d/a"), ("/a", "d/a"), ("../a", "a"), ("", "d"), ("a/./b//c", "d/a/b/c")]
)
def test_local_paths_are_simple(name: str, path: str) -> None:
    assert join_below("d", name) == path


def test_json_names_become_yaml_names() -> None:
    assert [yaml_name(name) for name in ("sizeMiB", "typeGuid", "wipeTable", "tpm2")] == [
        "size_mib",
        "type_guid",
        "wipe_table",
        "tpm2",
    ]


WRONG_FILES = """400 440 444 500 555 600 640 644 660 664 666 700 750 755 770 775 777 2755 4755 6755"""
WRONG_DIRECTORIES = """500 550 555 700 750 755 770 775 777 1777 2755 3777"""


@pytest.mark.parametrize(("modes", "directory"), [(WRONG_FILES, False), (WRONG_DIRECTORIES, True)])
def test_decimal_modes_that_should_be_octal(modes: str, directory: bool) -> None:
    for mode in map(int, modes.split()):
        assert not is_reasonable_mode(mode, directory=directory), mode
        assert is_reasonable_mode(int(str(mode), 8), directory=directory), mode


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "unit").write_bytes(b"a\xffb\n")
    (tmp_path / "tree").mkdir()
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/tree/\xfe"))).write_text("x")
    text = b"systemd: {units: [{name: a.service, contents_local: unit}]}\nstorage: {trees: [{local: tree}]}\n"
    result = transpile(b"variant: fcos\nversion: 1.5.0\n" + text, TranspileOptions(files_dir=tmp_path))
    assert '"path":"/\\ufffd"' in result.json
    assert '"contents":"a\\ufffdb\\n"' in result.json


@pytest.mark.parametrize(
    ("contents", "compressed"),
    [
        (b"a" * 47, False),
        (b"a" * 48, True),
        (b"the quick brown fox jumps over a lazy dog, the quick brown fox jumps", False),
        (b"the quick brown fox jumps over a lazy dog, the quick brown fox jumps over a lazy dog", True),
    ],
)
def test_contents_are_compressed_from_the_same_size_as_in_butane(contents: bytes, compressed: bool) -> None:
    assert data_url(contents, None, gzip=True).compression == ("gzip" if compressed else "")


def test_the_limit_of_values_counts_scalars_aliases_and_collections() -> None:
    assert parse_yaml(b"[a, &b [], *b, {}]", max_nodes=5)
    for text in (b"[a, &b [], *b, {}, a]", b"[a, &b [], *b, {}, *b]", b"[a, &b [], *b, {}, []]", b"[[[[[[]]]]]]"):
        with pytest.raises(YamlError, match="more than 5 values"):
            parse_yaml(text, max_nodes=5)


def test_the_default_limit_of_values() -> None:
    with pytest.raises(YamlError, match="more than 250000 values"):
        parse_yaml(b"[" + b"a," * MAX_NODES + b"]")
