"""The combined schema in a real editor's server: yaml-language-server (npm), spoken to without a window.

Set YAML_LANGUAGE_SERVER to its path, or have it on PATH; otherwise this is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import IO, Any

import pytest

from transpiler.butane.types_and_keys import SCHEMAS

SERVER = os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server") or ""
URI = "file:///site.bu"
TEXT = """\
variant: fcos
version: 1.6.0
storage:
  files:
    - path: /etc/hostname
      mod: 0644
      con
systemd:
  units:
    - name: web.service
      enabled: maybe
"""

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not SERVER, reason="yaml-language-server is not on PATH")]


class Editor:
    """An editor without a window: speaks the Language Server Protocol over pipes."""

    def __init__(self, sending: IO[bytes], receiving: IO[bytes]) -> None:
        self.sending = sending
        self.receiving = receiving
        self.asked = 0

    def tell(self, method: str, params: dict[str, Any], **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        self.sending.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.sending.flush()

    def hear(self) -> dict[str, Any]:
        length = 0
        while (line := self.receiving.readline().strip()) or not length:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        heard: dict[str, Any] = json.loads(self.receiving.read(length))
        return heard

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self.asked += 1
        self.tell(method, params, id=self.asked)
        while (heard := self.hear()).get("id") != self.asked or "method" in heard:
            self.answer(heard)
        return heard["result"]

    def answer(self, heard: dict[str, Any]) -> None:
        """What the server asks of an editor: nothing is configured but the schema."""
        if "id" not in heard or "method" not in heard:
            return
        settings = {"schemas": {(SCHEMAS / "butane.json").as_uri(): "*.bu"}, "completion": True, "hover": True}
        items = heard["params"].get("items", []) if isinstance(heard.get("params"), dict) else []
        result = [settings if item.get("section") == "yaml" else None for item in items] if items else None
        body = json.dumps({"jsonrpc": "2.0", "id": heard["id"], "result": result}).encode()
        self.sending.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.sending.flush()

    def wait(self, method: str) -> dict[str, Any]:
        while (heard := self.hear()).get("method") != method:
            self.answer(heard)
        params: dict[str, Any] = heard["params"]
        return params


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    with subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin
        assert server.stdout
        editor = Editor(server.stdin, server.stdout)
        editor.ask(
            "initialize", {"processId": None, "rootUri": None, "capabilities": {"workspace": {"configuration": True}}}
        )
        editor.tell("initialized", {})
        document = {"uri": URI, "languageId": "yaml", "version": 1, "text": TEXT}
        editor.tell("textDocument/didOpen", {"textDocument": document})
        yield editor
        server.kill()


def at(line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}


def test_diagnostics_completion_and_hover(editor: Editor) -> None:
    found: list[str] = []
    while not found:
        found = [one["message"] for one in editor.wait("textDocument/publishDiagnostics")["diagnostics"]]
    assert any("mod" in message for message in found)
    completed = editor.ask("textDocument/completion", at(6, 9))
    labels = {item["label"] for item in completed["items"]}
    assert "contents" in labels
    told = editor.ask("textDocument/hover", at(4, 8))
    assert "absolute path" in json.dumps(told)


@pytest.mark.parametrize("name", ["etcd-node", "flatcar-node", "kubernetes-worker", "web-server"])
def test_good_configs_have_no_diagnostics(editor: Editor, name: str) -> None:
    text = (SCHEMAS.parent / "examples" / f"{name}.yaml").read_text()
    uri = f"file:///{name}.bu"
    editor.tell(
        "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}
    )
    while (told := editor.wait("textDocument/publishDiagnostics"))["uri"] != uri:
        pass
    assert told["diagnostics"] == []
