"""The extension for VS Code: its files agree with each other, and its snippets are good configs. CI builds it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from provision import __version__
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

FOLDER = Path(__file__).parents[2] / "editors" / "vscode"
PLACES = {
    "Config": "{}",
    "File": "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n{}",
    "Service": "variant: fcos\nversion: 1.6.0\nsystemd:\n  units:\n{}",
    "Data disk": "variant: fcos\nversion: 1.6.0\nstorage:\n  disks:\n{}",
    "File system": "variant: fcos\nversion: 1.6.0\nstorage:\n  filesystems:\n{}",
}


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def test_the_package_names_files_that_exist() -> None:
    package = load("package.json")
    given = package["contributes"]
    named = [one["path"] for kind in ("grammars", "snippets") for one in given[kind]]
    named += [one["configuration"] for one in given["languages"]]
    assert [name for name in named if not (FOLDER / name).is_file()] == []
    assert package["version"] == __version__
    assert load("butane.tmLanguage.json")["scopeName"] == given["grammars"][0]["scopeName"]
    load("language-configuration.json")


def test_the_setting_with_the_program_cannot_come_from_a_repository() -> None:
    (setting,) = load("package.json")["contributes"]["configuration"]["properties"].values()
    assert setting["scope"] == "machine"


def test_the_client_starts_the_server() -> None:
    assert 'args: ["lsp"]' in (FOLDER / "extension.js").read_text()


@pytest.mark.parametrize(("name", "place"), PLACES.items())
def test_a_snippet_is_a_good_config(name: str, place: str, tmp_path: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFDYWOCYXsx/YEGKrwzFq1h/QsJXCohAlanozKzQ9lRc"
    (tmp_path / "id_ed25519.pub").write_text(f"{key}\n")
    lines = [re.sub(r"\$\{\d+:([^}]*)\}", r"\1", line) for line in load("snippets.json")[name]["body"]]
    indent = "" if place == "{}" else "    "
    text = place.format("\n".join(f"{indent}{line}" if line else "" for line in lines)) + "\n"
    result = transpile(text.encode(), TranspileOptions(files_dir=tmp_path))
    assert result.problems == (), result.render()


def test_every_snippet_is_tested() -> None:
    assert load("snippets.json").keys() == PLACES.keys()


@pytest.mark.parametrize(
    ("line", "matches"),
    [("      contents: |", True), ("    - contents: |-", True), ("      contents:", False), ("      inline: |", False)],
)
def test_the_grammar_finds_the_texts_of_units(line: str, matches: bool) -> None:
    begin = load("butane.tmLanguage.json")["patterns"][0]["begin"]
    assert (re.match(begin, line) is not None) == matches
