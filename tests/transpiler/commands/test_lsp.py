"""`transpile lsp` without its library, without an editor, and with an editor that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.transpiler.language_client import LanguageClient
from transpiler.commands.lsp import MISSING

ROOT = Path(__file__).parents[3]


def test_without_pygls(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ImportError\n")
    argv = [sys.executable, "-m", "transpiler", "lsp"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=environment, input="", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{MISSING}\n")


@pytest.mark.slow
def test_without_an_editor() -> None:
    pytest.importorskip("pygls", reason="pygls is not installed")
    argv = [sys.executable, "-m", "transpiler", "lsp"]
    done = subprocess.run(argv, cwd=ROOT, input="", capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "exec {} <&-",
        "echo 'Content-Length: 9' | exec {} >/dev/full",
        r"printf 'Content-Length: 2\r\n\r\n[]Content-Length: 99999999999999\r\n\r\n{{}}' | exec {}",
    ],
)
def test_a_broken_connection_is_no_bug(script: str) -> None:
    pytest.importorskip("pygls", reason="pygls is not installed")
    argv = ["bash", "-c", script.format(f"'{sys.executable}' -m transpiler lsp")]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in {0, 1}
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_editor_that_reads_no_more_is_no_bug() -> None:
    pytest.importorskip("pygls", reason="pygls is not installed")
    argv = [sys.executable, "-m", "transpiler", "lsp"]
    with subprocess.Popen(argv, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE) as server:
        assert server.stdin
        assert server.stdout
        assert server.stderr
        client = LanguageClient(server.stdin, server.stdout)
        client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        server.stdout.close()
        place = {"textDocument": {"uri": "file:///x.bu"}, "position": {"line": 0, "character": 1}}
        client.send({"id": 2, "method": "textDocument/hover", "params": place})
        server.stdin.close()
        assert server.wait(60) == 1
        assert server.stderr.read() == b"transpile lsp: the connection to the editor is broken: broken pipe\n"
