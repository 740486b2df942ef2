"""Requests that are wrong in some way get an error, and the server goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.transpiler.language_client import LanguageClient

pytest.importorskip("pygls", reason="pygls is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[4]
ARGV = [sys.executable, "-m", "transpiler", "lsp"]
URI = "file:///site.bu"
PLACE = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 1}}
BEFORE: dict[str, Any] = {"processId": None, "rootUri": None, "capabilities": {}}


@pytest.fixture(scope="module")
def client() -> Iterator[LanguageClient]:
    """A client whose server refuses requests before `initialize`, `initialize` without parameters, and a second one."""
    with subprocess.Popen(ARGV, stdin=PIPE, stdout=PIPE, cwd=ROOT) as server:
        assert server.stdin
        assert server.stdout
        client = LanguageClient(server.stdin, server.stdout)
        assert client.ask("textDocument/hover", PLACE)["error"]["code"] == -32002
        assert client.ask("initialize", {})["error"]["code"] == -32602
        client.request("initialize", BEFORE)
        assert client.ask("initialize", BEFORE)["error"]["code"] == -32600
        document = {"uri": URI, "version": 1, "languageId": "yaml", "text": "variant: fcos\nversion: 1.5.0\n"}
        client.notify("textDocument/didOpen", {"textDocument": document})
        yield client
        client.request("shutdown", None)
        assert client.ask("textDocument/hover", PLACE)["error"]["code"] == -32600
        client.notify("exit", {})
        assert server.wait(60) == 0


def goes_on(client: LanguageClient) -> bool:
    return "result" in client.ask("textDocument/hover", PLACE)


def answer(client: LanguageClient) -> dict[str, Any]:
    while "error" not in (message := client.receive()):
        pass
    return message


PARAMETERS: tuple[Any, ...] = (
    None,
    5,
    [],
    {},
    {"textDocument": 5, "position": []},
    {
        "textDocument": {"uri": URI},
        "position": {"line": "x", "character": None},
        "range": 7,
        "options": 1,
        "context": 1,
    },
)


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_wrong_parameters(client: LanguageClient, parameters: Any) -> None:
    for request in ("hover", "completion", "codeAction", "rename", "definition", "references", "formatting"):
        error = client.ask(f"textDocument/{request}", parameters)["error"]
        assert error["code"] == -32602
        assert error["message"].startswith(f"textDocument/{request}: ")
    assert goes_on(client)


def test_each_wrong_parameter_is_named(client: LanguageClient) -> None:
    error = client.ask("textDocument/hover", {"position": {"line": 1}})["error"]
    assert "@ params.textDocument" in error["message"]
    assert "@ params.position.character" in error["message"]


@pytest.mark.parametrize("method", ["textDocument/diagnostic", "x/y", "$/x", "", "workspace/didChangeWatchedFiles"])
def test_unknown_methods(client: LanguageClient, method: str) -> None:
    assert client.ask(method, {})["error"]["code"] == -32601
    client.notify(method, {})
    assert goes_on(client)


def test_a_document_that_is_not_open(client: LanguageClient) -> None:
    place = {**PLACE, "textDocument": {"uri": "file:///etc/passwd"}}
    error = client.ask("textDocument/hover", place)["error"]
    assert error == {"code": -32602, "message": "file:///etc/passwd: the document is not open"}


@pytest.mark.parametrize("identifier", [0, -5, 10**30, "", "\ud800", 2.0])
def test_odd_ids_are_kept(client: LanguageClient, identifier: Any) -> None:
    client.send({"id": identifier, "method": "textDocument/hover", "params": PLACE})
    while (message := client.receive()).get("id") != identifier:
        pass
    assert "result" in message


@pytest.mark.parametrize(
    "message",
    [
        {"id": None, "method": "textDocument/hover", "params": PLACE},
        {"id": True, "method": "textDocument/hover", "params": PLACE},
        {"id": 1.5, "method": "textDocument/hover", "params": PLACE},
        {"id": [1], "method": "textDocument/hover", "params": PLACE},
        {"id": 1, "method": 7},
        {"id": 1},
        {"id": 1, "jsonrpc": "1.0", "method": "textDocument/hover", "params": PLACE},
        {"id": 1, "method": "textDocument/didOpen", "params": {}},
    ],
    ids=str,
)
def test_messages_that_are_no_requests(client: LanguageClient, message: dict[str, Any]) -> None:
    client.send(message)
    found = answer(client)
    assert found["error"]["code"] == -32600
    assert found["id"] == (1 if message["id"] == 1 and message["id"] is not True else None)
    assert goes_on(client)


def test_several_messages_in_a_list(client: LanguageClient) -> None:
    for body, identifiers in ((b"[]", [None]), (b'[{"id": 1, "method": "x"}, {"id": "a"}]', [1, "a"]), (b"5", [None])):
        client.sending.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        client.sending.flush()
        for identifier in identifiers:
            found = answer(client)
            assert (found["id"], found["error"]["code"]) == (identifier, -32600)
    assert goes_on(client)


def test_wrong_lengths(client: LanguageClient) -> None:
    for message in (b"Content-Length: 5\r\n\r\n[1, 2]", b"Content-Length: x\r\n\r\n{}", b"Content-Length: 0\r\n\r\n"):
        client.sending.write(message)
        client.sending.flush()
        assert goes_on(client)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("textDocument/didOpen", {}),
        (
            "textDocument/didChange",
            {"textDocument": {"uri": "file:///x", "version": 1}, "contentChanges": [{"text": ""}]},
        ),
        ("textDocument/didClose", {"textDocument": {"uri": "file:///y"}}),
        ("textDocument/didSave", None),
        ("textDocument/hover", PLACE),
        ("$/cancelRequest", {"id": 99}),
        ("$/cancelRequest", {"id": []}),
        ("$/setTrace", {"value": "loud"}),
    ],
)
def test_notifications_that_mean_nothing(client: LanguageClient, method: str, parameters: Any) -> None:
    client.send({"method": method, "params": parameters})
    client.last_id += 1
    client.send({"id": client.last_id, "method": "textDocument/hover", "params": PLACE})
    while (message := client.receive()).get("id") != client.last_id:
        assert message["method"] != "window/showMessage", message


def test_exit_without_shutdown() -> None:
    with subprocess.Popen(ARGV, stdin=PIPE, stdout=PIPE, cwd=ROOT) as server:
        assert server.stdin
        assert server.stdout
        LanguageClient(server.stdin, server.stdout).notify("exit", {})
        assert server.wait(60) == 1
