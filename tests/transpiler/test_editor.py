"""The schema in the language server of editors: yaml-language-server (npm).

The schema is the document that `transpile schema` prints, in a file somewhere else: as an author saves it. Set
YAML_LANGUAGE_SERVER to the server's path, or have it on PATH; otherwise this is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.transpiler.language_client import LanguageClient

ROOT = Path(__file__).parents[2]
SERVER = os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server") or ""

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not SERVER, reason="yaml-language-server is not on PATH")]


class Editor(LanguageClient):
    """A client whose settings name the schema."""

    def __init__(self, schema: Path, sending: IO[bytes], receiving: IO[bytes]) -> None:
        super().__init__(sending, receiving)
        self.schema = schema

    def answer(self, message: dict[str, Any]) -> None:
        """Answer a request of the server for settings: only the schema is configured."""
        if "id" not in message or "method" not in message:
            return
        settings = {"schemas": {self.schema.as_uri(): "*.bu"}, "completion": True, "hover": True}
        items = message["params"].get("items", []) if isinstance(message.get("params"), dict) else []
        result = [settings if item.get("section") == "yaml" else None for item in items] if items else None
        self.send({"id": message["id"], "result": result})

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a text as a file of this name; returns the diagnostics."""
        uri = f"file:///{name}.bu"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        while (shown := self.wait("textDocument/publishDiagnostics"))["uri"] != uri:
            pass
        found: list[dict[str, Any]] = shown["diagnostics"]
        return found

    def complete(self, name: str, line: int, character: int) -> set[str]:
        """The completions at a place."""
        return {item["label"] for item in self.request("textDocument/completion", at(name, line, character))["items"]}

    def hover(self, name: str, line: int, character: int) -> str:
        """The text of the hover at a place."""
        shown = self.request("textDocument/hover", at(name, line, character))
        return str(shown["contents"]["value"]) if shown else ""


def at(name: str, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": f"file:///{name}.bu"}, "position": {"line": line, "character": character}}


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    schema = tmp_path_factory.mktemp("settings") / "butane.json"
    with schema.open("wb") as file:
        subprocess.run([sys.executable, "-m", "transpiler", "schema"], cwd=ROOT, stdout=file, check=True)
    with subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdin
            assert server.stdout
            editor = Editor(schema, server.stdin, server.stdout)
            capabilities = {"workspace": {"configuration": True}}
            editor.request("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
            editor.notify("initialized", {})
            yield editor
        finally:
            server.kill()


CONFIG = """\
variant: fcos
version: 1.6.0
storage:
  files:
    - path: /etc/hostname
      con
"""


def test_completion_offers_the_fields_of_the_place(editor: Editor) -> None:
    editor.open("completion", CONFIG)
    offered = editor.complete("completion", 5, 9)
    assert {"contents", "mode", "overwrite"} <= offered


def test_completion_offers_values(editor: Editor) -> None:
    editor.open("values", "variant: fcos\nversion: \n")
    assert {"fcos", "openshift"} <= editor.complete("values", 0, 9)
    assert {"1.6.0", "1.7.0"} <= editor.complete("values", 1, 9)


def test_completion_leaves_out_fields_that_a_variant_forbids(editor: Editor) -> None:
    head = "variant: openshift\nversion: 4.15.0\nmetadata:\n  name: a\n  labels: {}\nstorage:\n  "
    editor.open("forbidden", head)
    offered = editor.complete("forbidden", 6, 2)
    assert {"files", "disks"} <= offered
    assert not {"directories", "links"} & offered


def test_hover_describes_a_field_in_terms_of_yaml(editor: Editor) -> None:
    editor.open("hover", CONFIG.replace("con\n", "mode: 0644\n"))
    assert "absolute path" in editor.hover("hover", 4, 8)
    shown = editor.hover("hover", 5, 8)
    assert "0644" in shown
    assert "420" not in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("storage:\n  files:\n    - {path: /a, mod: 0644}", "mod is not allowed"),
        ("storage:\n  files:\n    - {mode: 0644}", 'Missing property "path"'),
        ("storage:\n  files:\n    - {path: etc/hostname}", "must be an absolute path"),
        ("storage:\n  files:\n    - {path: /a, mode: 99999}", "maximum"),
        ("storage:\n  links:\n    - path:", "Incorrect type"),
        ("storage:\n  disks:\n    - {partitions: []}", 'Missing property "device"'),
        ("storage:\n  filesystems:\n    - {device: /dev/a, format: ext5}", "not accepted"),
        ("systemd:\n  units:\n    - {name: web}", "must end in a suffix"),
        ("systemd:\n  units:\n    - {name: web.service, enabled: maybe}", "Incorrect type"),
        ("ignition:\n  proxy: {http_proxy: proxy.example.com}", "must be a URL with http or https"),
        ("version: 9.9.9", ""),
    ],
)
def test_mistakes_are_shown(editor: Editor, text: str, message: str) -> None:
    version = "" if text.startswith("version") else "version: 1.6.0\n"
    found = editor.open(f"mistake{abs(hash(text))}", f"variant: fcos\n{version}{text}\n")
    assert any(message in one["message"] for one in found), found


def test_a_forbidden_field_is_an_error_with_its_reason(editor: Editor) -> None:
    head = "variant: openshift\nversion: 4.15.0\nmetadata: {name: a, labels: {}}\n"
    text = f"{head}storage:\n  directories:\n    - path: /a\n"
    shown = [one["message"] for one in editor.open("reason", text)]
    assert any("directories are not supported" in message for message in shown), shown


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_good_configs_have_no_diagnostics(editor: Editor, path: Path) -> None:
    assert editor.open(path.stem, path.read_text()) == []
