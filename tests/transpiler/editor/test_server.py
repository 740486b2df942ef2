"""The language server over pipes, as an editor talks to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.transpiler.editor import HEAD
from tests.transpiler.language_client import LanguageClient

pytest.importorskip("pygls", reason="pygls is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[3]
TEXT = HEAD + "storage:\n  files:\n    - path: /etc/a\n      mode: 644\n      contents: {local: motd}\n"


class Editor(LanguageClient):
    """An editor with one file."""

    uri = ""
    version = 0

    def at(self, line: int, character: int, **more: Any) -> dict[str, Any]:
        """The parameters of a request about a place."""
        return {"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}, **more}

    def show(self, text: str) -> list[dict[str, Any]]:
        """Change the whole text; returns the diagnostics of its last version."""
        self.version += 1
        document = {"uri": self.uri, "version": self.version}
        if self.version == 1:
            self.notify("textDocument/didOpen", {"textDocument": {**document, "languageId": "yaml", "text": text}})
        else:
            self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self.diagnostics()

    def diagnostics(self) -> list[dict[str, Any]]:
        """The next diagnostics of the newest version."""
        while (shown := self.wait("textDocument/publishDiagnostics"))["version"] != self.version:
            pass
        found: list[dict[str, Any]] = shown["diagnostics"]
        return found


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("configs") / "of \u00e9 site"  # the address has escapes
    folder.mkdir()
    (folder / "motd").write_text("hello\n")
    (folder / ".transpile.toml").write_text('ignore = ["ssh-key"]\nvars-file = "vars.yaml"\ntarget = "fcos-38"\n')
    (folder / "vars.yaml").write_text("who: core\n")
    argv = [sys.executable, "-m", "transpiler", "lsp", "--stdio"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdin
        assert server.stdout
        editor = Editor(server.stdin, server.stdout)
        editor.uri = (folder / "site.bu").as_uri()
        editor.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        editor.notify("initialized", {})
        yield editor
        editor.request("shutdown", None)
        editor.notify("exit", {})
        assert server.wait(60) == 0


def test_the_target_of_the_settings_counts(editor: Editor) -> None:
    unit = 'systemd: {units: [{name: a.service, contents: "[Service]\\nExecStart=/bin/a\\nRestartMode=direct"}]}\n'
    (found,) = editor.show(f"variant: fcos\nversion: 1.5.0\n{unit}")
    assert found["code"] == "newer-setting"


def test_diagnostics_and_their_fix(editor: Editor) -> None:
    (found,) = editor.show(TEXT)
    assert (found["code"], found["severity"], found["source"]) == ("decimal-mode", 2, "transpile")
    assert found["range"] == {"start": {"line": 5, "character": 12}, "end": {"line": 5, "character": 15}}
    params = {"textDocument": {"uri": editor.uri}, "range": found["range"], "context": {"diagnostics": [found]}}
    mend, silence, everything = editor.request("textDocument/codeAction", params)
    assert mend["edit"] == {"changes": {editor.uri: [{"range": found["range"], "newText": "0644"}]}}
    assert mend["diagnostics"] == [found]
    assert silence["kind"] == "quickfix"
    params["context"] = {"diagnostics": [], "only": ["source"]}
    assert editor.request("textDocument/codeAction", params) == [everything]
    assert editor.show(TEXT.replace("644", "0644")) == []


def test_the_last_of_many_changes_is_checked(editor: Editor) -> None:
    editor.show(HEAD)
    for number in range(20):
        editor.version += 1
        text = HEAD + f"storage: {{files: [{{path: a{number}}}]}}\n"
        changed = {"uri": editor.uri, "version": editor.version}
        editor.notify("textDocument/didChange", {"textDocument": changed, "contentChanges": [{"text": text}]})
    (found,) = editor.diagnostics()
    assert "path not absolute" in found["message"]


def test_broken_yaml_is_checked_and_completed(editor: Editor) -> None:
    (found,) = editor.show(HEAD + "storage:\n  files: [\n")
    assert found["code"] == "yaml-syntax"
    text = HEAD + "passwd: [\nstorage:\n  files:\n    - pa\n"
    editor.show(text)
    items = editor.request("textDocument/completion", editor.at(5, 8))["items"]
    (path,) = [one for one in items if one["label"] == "path"]
    assert path["textEdit"]["newText"] == "path: "
    assert "absolute path" in path["documentation"]["value"]


def test_places_after_wide_characters_and_odd_line_breaks(editor: Editor) -> None:
    text = HEAD + "# \U0001f600\u2028storage: {files: [{path: '/etc/\U0001f600', mode: 644}]}\n"
    (found,) = editor.show(text)
    line = text.split("\n")[found["range"]["start"]["line"]].encode("utf-16-le")
    assert (
        line[found["range"]["start"]["character"] * 2 : found["range"]["end"]["character"] * 2].decode("utf-16")
        == "644"
    )


def test_hover_definition_outline_and_folds(editor: Editor) -> None:
    editor.show(TEXT)
    assert "in octal" in editor.request("textDocument/hover", editor.at(5, 7))["contents"]["value"]
    assert editor.request("textDocument/definition", editor.at(6, 25))["uri"].endswith("/motd")
    whole = {"textDocument": {"uri": editor.uri}}
    names = [one["name"] for one in editor.request("textDocument/documentSymbol", whole)]
    assert names == ["variant", "version", "storage"]
    assert {"startLine": 4, "endLine": 6} in editor.request("textDocument/foldingRange", whole)


def test_formatting(editor: Editor) -> None:
    editor.show(HEAD + "storage:\n    files:   []")
    params = {"textDocument": {"uri": editor.uri}, "options": {"tabSize": 2, "insertSpaces": True}}
    (edit,) = editor.request("textDocument/formatting", params)
    assert edit["newText"] == HEAD + "storage:\n  files: []\n"
    editor.show(edit["newText"])
    assert editor.request("textDocument/formatting", params) == []


def test_rename(editor: Editor) -> None:
    editor.show(HEAD + "storage:\n  raid:\n    - name: data\n  filesystems:\n    - device: /dev/md/data\n")
    place = {"start": {"line": 6, "character": 22}, "end": {"line": 6, "character": 26}}
    assert editor.request("textDocument/prepareRename", editor.at(6, 23)) == place
    both = editor.request("textDocument/references", editor.at(6, 23, context={"includeDeclaration": True}))
    edits = editor.request("textDocument/rename", editor.at(6, 23, newName="db"))["changes"][editor.uri]
    assert [one["range"] for one in both] == [one["range"] for one in edits]
    refused = editor.ask("textDocument/rename", editor.at(0, 1, newName="db"))
    assert "can be renamed" in refused["error"]["message"]


def test_a_saved_file_is_checked_with_its_local_files(editor: Editor) -> None:
    text = TEXT.replace("motd", "other").replace("644", "0644")
    (found,) = editor.show(text)
    assert found["code"] == "local-file"
    (Path(unquote(editor.uri.removeprefix("file://"))).parent / "other").touch()
    editor.notify("textDocument/didSave", {"textDocument": {"uri": editor.uri}})
    assert editor.diagnostics() == []


def test_settings_of_the_repository(editor: Editor) -> None:
    text = HEAD + "passwd: {users: [{name: !var who, ssh_authorized_keys: [ssh-rsa], password_hash: !secret who}]}\n"
    assert editor.show(text) == []


def other(editor: Editor, name: str, text: str) -> list[dict[str, Any]]:
    """The diagnostics of another file of the folder, which is saved and opened."""
    path = folder_of(editor) / name
    path.write_text(text)
    document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    while (shown := editor.wait("textDocument/publishDiagnostics"))["uri"] != path.as_uri():
        pass
    editor.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
    assert editor.wait("textDocument/publishDiagnostics")["diagnostics"] == []
    found: list[dict[str, Any]] = shown["diagnostics"]
    return found


def folder_of(editor: Editor) -> Path:
    return Path(unquote(editor.uri.removeprefix("file://"))).parent


def test_a_part_is_checked_through_its_config(editor: Editor) -> None:
    (folder_of(editor) / "whole.bu").write_text(HEAD + "systemd:\n  units: !include units.yaml\n")
    assert other(editor, "units.yaml", "- name: a.service\n  enabled: true\n") == []
    (found,) = other(editor, "units.yaml", "- name: a.service\n  enabledd: true\n")
    assert (found["code"], found["range"]["start"]) == ("unused-key", {"line": 1, "character": 2})


def test_a_file_of_values_is_no_config(editor: Editor) -> None:
    assert other(editor, "vars.yaml", "who: core\n") == []
    (found,) = other(editor, "vars.yaml", "who: [\n")
    assert found["code"] == "yaml-syntax"
    other(editor, "vars.yaml", "who: core\n")
