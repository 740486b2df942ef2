"""The program for Terraform's data source `external`: texts in, texts out, as its protocol says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from transpiler.releases.table import releases

FOLDER = Path(__file__).parents[2] / "examples" / "terraform"
MAIN = (FOLDER / "main.tf").read_text()


def ask(query: object, program: str = "transpile") -> subprocess.CompletedProcess[str]:
    """Run the program as Terraform does, in the folder of the module."""
    argv = [sys.executable, "transpile_external.py"]
    environment = {**os.environ, "TRANSPILE": str(Path(sys.executable).parent / program)}
    text = query if isinstance(query, bytes) else json.dumps(query).encode()
    done = subprocess.run(argv, cwd=FOLDER, env=environment, input=text, capture_output=True, check=False)
    return subprocess.CompletedProcess(argv, done.returncode, done.stdout.decode(), done.stderr.decode())


def query_of_the_example() -> dict[str, str]:
    """The query of main.tf; there is no Terraform here that would evaluate it."""
    body = re.search(r"query = \{\n(.*?)\n  \}", MAIN, re.DOTALL)
    assert body is not None
    written = dict(re.findall(r"^ *(\w+) *= (.*)$", body[1], re.MULTILINE))
    known = {"jsonencode({ host = var.host })": json.dumps({"host": "web1"}), "path.module": "."}
    return {key: known.get(text, text.strip('"').replace("${path.module}", ".")) for key, text in written.items()}


@pytest.mark.slow
def test_the_query_of_the_example() -> None:
    query = query_of_the_example()
    assert query["target"] in releases()
    done = ask(query)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert all(isinstance(value, str) for value in result.values())
    (file,) = json.loads(result["ignition"])["storage"]["files"]
    assert file["contents"]["source"] == "data:,web1"
    assert result["report"] == ""
    assert "data.external.site.result.ignition" in MAIN


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"path": "none.bu"}, "no such file"),
        ({}, "no path"),
        ({"path": "site.bu", "targets": "x"}, "unknown key 'targets'"),
        ({"path": "site.bu"}, "host"),
        ({"path": "--help"}, "no such file"),
    ],
)
def test_an_error_is_a_message_and_a_status(query: dict[str, str], message: str) -> None:
    done = ask(query)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the query is empty: write a JSON object to standard input"),
        (b"nonsense", "the query is not JSON"),
        (b"\xff\xfe", "the query is not JSON"),
        (b"[" * 100_000, "the query is not JSON"),
        (b"[]", "the query is not a JSON object"),
        (b"null", "the query is not a JSON object"),
        (b'"path"', "the query is not a JSON object"),
        (b'{"path": 1}', "the query has a value that is no text: path"),
        (b'{"path": "a", "target": null, "strict": true}', "the query has a value that is no text: strict, target"),
        (b'{"path": null}', "the query has no path; it may have"),
        (b'{"path": "a", "x\\ny": ""}', "the query has unknown key 'x\\ny'; it may have"),
        (b'{"path": "a\\u0000b"}', "transpile cannot be run: embedded null byte"),
    ],
)
def test_a_wrong_query_is_one_line(text: bytes, message: str) -> None:
    done = ask(text)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(message)


def test_without_standard_input_or_transpile() -> None:
    argv = ["sh", "-c", 'exec "$0" transpile_external.py <&-', sys.executable]
    done = subprocess.run(argv, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "the query is empty: write a JSON object to standard input\n")
    done = ask({"path": "site.bu"}, program="not-there")
    assert done.returncode == 1
    assert done.stderr.startswith("transpile cannot be run: ")
