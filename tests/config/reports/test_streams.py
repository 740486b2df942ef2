"""Both programs on standard streams that are closed, full, in other encodings, or pipes without a reader."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.config.reports.streams import GuardedWriter, _text

pytestmark = pytest.mark.slow

GOOD = "variant: fcos\nversion: 1.5.0\n"
BAD = GOOD + "storage: {files: [{path: é, mode: 644}]}\n"
ROOT = Path(__file__).resolve().parents[3]
WITH_OUTPUT = (
    "transpile site.bu",
    "transpile",
    "transpile --help",
    "transpile --version",
    "transpile schema fcos 1.5.0",
    "transpile check bad.bu",
    "transpile check --format sarif site.bu",
    "transpile check --help",
    "provision validate bad.bu",
    "provision validate --format json site.bu",
    "provision validate -",
    "provision plan site.bu",
    "provision --help",
    "provision --version",
    "provision fetch --help",
)
READERS = ("transpile", "provision validate -", "provision plan -")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.bu").write_text(GOOD)
    (tmp_path / "bad.bu").write_text(BAD)
    return tmp_path


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `transpile` and `provision` are this checkout's, without `site`, which is slow."""
    programs = f'transpile() {{ "{sys.executable}" -S -m transpiler "$@"; }}\n'
    programs += f'provision() {{ "{sys.executable}" -S -m provision "$@"; }}\n'
    libraries = (path for path in sys.path if path.endswith("site-packages"))
    plain = {**os.environ, "PYTHONPATH": ":".join((str(ROOT), *libraries)), **environment}
    return subprocess.run(["bash", "-c", programs + line], cwd=folder, env=plain, capture_output=True, check=False)


@pytest.mark.parametrize("command", WITH_OUTPUT)
@pytest.mark.parametrize(
    ("stream", "reason"), [(">/dev/full", b"no space left on device"), (">&-", b"bad file descriptor")]
)
def test_standard_output_that_takes_nothing(command: str, stream: str, reason: bytes, folder: Path) -> None:
    done = shell(f"{command} <bad.bu {stream}", folder)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    if command not in READERS:
        assert done.stderr.splitlines()[-1].endswith(reason)
        assert b": cannot write standard output: " in done.stderr


@pytest.mark.parametrize("command", WITH_OUTPUT)
@pytest.mark.parametrize(
    ("stream", "lost"), [("2>&-", False), ("2>/dev/full", False), ("2>&- >&-", True), ("2>&- >/dev/full", True)]
)
def test_messages_to_a_closed_stream_do_not_change_the_result(
    command: str, stream: str, lost: bool, folder: Path
) -> None:
    done = shell(f"{command} <bad.bu {stream}", folder)
    assert done.returncode == int(lost or "bad.bu" in command or command in READERS)
    assert b"Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("stream", ["<&-", "</proc/self/mem"])
def test_standard_input_that_cannot_be_read(command: str, stream: str, folder: Path) -> None:
    done = shell(f"{command} {stream}", folder)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert b"Traceback" not in said
    assert any(word in said.lower() for word in (b"bad file descriptor", b"input/output error"))
    assert len(said.splitlines()) == 1


def test_a_file_never_gets_the_number_of_a_closed_stream(folder: Path) -> None:
    done = shell("transpile -o out.ign site.bu <&- >&- 2>&-; transpile check -o found bad.bu <&- >&-", folder)
    assert done.returncode == 1
    assert json.loads((folder / "out.ign").read_text()) == {"ignition": {"version": "3.4.0"}}
    assert "bad.bu:3:" in (folder / "found").read_text()


def test_a_reader_that_closes_the_pipe_is_not_reported(folder: Path) -> None:
    (folder / "many.bu").write_text(GOOD + "".join(f"key{number}: 1\n" for number in range(9000)))
    done = shell("transpile check many.bu | head -1; exit ${PIPESTATUS[0]}", folder)
    assert done.stdout.count(b"\n") == 1
    assert (done.returncode, done.stderr) == (1, b"1 config is valid: 9000 warnings\n")


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0"}])
def test_other_encodings_lose_nothing(environment: dict[str, str], folder: Path) -> None:
    bare = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", **environment}
    for command in ("transpile check bad.bu", "provision validate bad.bu", "transpile bad.bu"):
        done = shell(command, folder, **bare)
        assert done.returncode == 1
        assert b"path not absolute" in done.stdout + done.stderr
    for command in ("transpile check -f sarif bad.bu", "provision validate --format sarif bad.bu"):
        assert json.loads(shell(command, folder, **bare).stdout.decode("utf-8"))
    (folder / "good.bu").write_text(GOOD + "storage: {files: [{path: /é}]}\n")
    assert json.loads(shell("transpile good.bu", folder, **bare).stdout)["storage"]["files"][0]["path"] == "/é"


def test_paths_are_utf_8_in_every_locale(folder: Path) -> None:
    (folder / "é.bu").write_text(GOOD + "storage: {directories: [{path: /etc/é}]}\n")
    done = shell("provision apply é.bu --root . --quiet", folder, LC_ALL="POSIX", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "é".encode() in os.listdir(os.fsencode(folder / "etc"))


def test_output_to_a_pipe_by_name(folder: Path) -> None:
    done = shell("transpile -o /dev/stdout site.bu | cat; transpile -o >(cat >&2) site.bu; wait $!", folder)
    assert done.stdout == b'{"ignition":{"version":"3.4.0"}}\n'
    assert done.stderr == done.stdout


@pytest.mark.parametrize("path", ["missing/found", "/proc/found", "site.bu/found", "/dev/full"])
def test_an_output_file_that_cannot_be_written(path: str, folder: Path) -> None:
    for command in ("transpile site.bu", "transpile check -q -f sarif site.bu"):
        done = shell(f"{command} -o {path}", folder)
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
        assert done.stderr.startswith(b"failed to ")


def test_a_pipe_that_does_not_wait_gets_everything() -> None:
    code = (
        "import fcntl,os,subprocess,sys,time;r,w=os.pipe();fcntl.fcntl(w,fcntl.F_SETFL,os.O_NONBLOCK);"
        "p=subprocess.Popen([sys.executable,'-m','transpiler','schema'],stdout=w);os.close(w);time.sleep(1);"
        "print(len(os.fdopen(r).read()),p.wait())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    plain = subprocess.run([sys.executable, "-m", "transpiler", "schema"], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == f"{len(plain.stdout)} 0\n"


@pytest.mark.parametrize("by_line", [False, True])
@pytest.mark.parametrize("line_buffering", [False, True])
@pytest.mark.parametrize("write_through", [False, True])
def test_a_stream_buffers_as_the_one_that_it_replaces(by_line: bool, line_buffering: bool, write_through: bool) -> None:
    replaced = io.TextIOWrapper(io.BytesIO(), "latin-1", line_buffering=line_buffering, write_through=write_through)
    with open(os.devnull, "wb") as null:
        stream = _text(GuardedWriter(null.fileno(), "wb", closefd=False), replaced, by_line=by_line)
        assert stream.line_buffering == (by_line or line_buffering or write_through)
        assert (stream.encoding, stream.errors) == ("latin-1", "backslashreplace")
        other = _text(GuardedWriter(null.fileno(), "wb", closefd=False), None, by_line=by_line)
        assert (other.line_buffering, other.encoding) == (by_line, "utf-8")
