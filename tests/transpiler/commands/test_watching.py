"""`--watch`: which changes start a new run, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.transpiler.test_cli import GOOD, ROOT
from transpiler.commands.output import OutputFailed
from transpiler.commands.watching import WatchedFiles, watch

CONFIG = GOOD + "storage: {files: [{path: /a, contents: {local: motd}}]}\n"


class Ended(Exception):
    """The last step of a test was done."""


def rounds(folder: Path, *steps: Callable[[], object], read: tuple[str, ...] = ("a",)) -> int:
    """The number of runs if a step follows each run; a run after the last step ends the watch."""
    done = 0

    def run(files: WatchedFiles) -> int:
        nonlocal done
        files.update(str(folder / name) for name in read)
        done += 1
        if done > len(steps):
            raise Ended
        steps[done - 1]()
        return 0

    with pytest.raises(Ended):
        watch(run)
    return done


def replaced(path: Path, text: str) -> None:
    other = path.with_name("new")
    other.write_text(text)
    os.replace(other, path)


@pytest.mark.slow
def test_each_kind_of_change_starts_a_run(tmp_path: Path) -> None:
    file, folder = tmp_path / "a", tmp_path / "tree"
    folder.mkdir()
    steps = (
        lambda: file.write_text("x"),  # a file that did not exist
        lambda: replaced(file, "y"),
        lambda: file.chmod(0o600),
        lambda: (folder / "b").write_text("x"),
        (folder / "b").unlink,
        file.unlink,
    )
    assert rounds(tmp_path, *steps, read=("a", "tree")) == len(steps) + 1


def test_the_end_of_a_later_run_does_not_end_the_watch(tmp_path: Path) -> None:
    file = tmp_path / "a"

    def wrong_usage() -> None:
        file.write_text("2")
        raise SystemExit(2)

    def failed() -> None:
        file.write_text("33")
        raise OutputFailed("no space left")

    assert rounds(tmp_path, lambda: file.write_text(""), wrong_usage, failed) == 4


def test_wrong_usage_ends_the_first_run() -> None:
    def run(_files: WatchedFiles) -> int:
        raise SystemExit(2)

    with pytest.raises(SystemExit):
        watch(run)


def test_a_new_file_that_a_search_finds_starts_a_run() -> None:
    found: list[tuple[str, ...]] = [()]

    def run(_files: WatchedFiles) -> int:
        if found[-1]:
            raise Ended
        found.append(("new.bu",))
        return 0

    with pytest.raises(Ended):
        watch(run, lambda: found[-1])


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    # SIGINT is to end it, even if the tests run with SIGINT ignored
    argv = ["env", "--default-signal", sys.executable, "-m", "transpiler", *arguments]
    process = subprocess.Popen(
        argv, cwd=folder, env=environment, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until_it_waits(process: subprocess.Popen[str]) -> str:
    """What it reports until it waits for the next change."""
    assert process.stderr is not None
    text = ""
    for line in process.stderr:
        if "watching" in line:
            return text + line
        text += line
    raise AssertionError(text)


@pytest.mark.slow
def test_a_config_and_its_parts(tmp_path: Path) -> None:
    (tmp_path / "site.bu").write_text(CONFIG)
    with started(tmp_path, "--watch", "-d", ".", "-o", "site.ign", "site.bu") as process:
        assert "motd: no such file" in until_it_waits(process)
        assert not (tmp_path / "site.ign").exists()
        (tmp_path / "motd").write_text("hello")
        shown = until_it_waits(process)
        assert "error" not in shown
        assert "\x1b" not in shown, "nothing is cleared without a terminal"
        assert "hello" in (tmp_path / "site.ign").read_text()
        replaced(tmp_path / "site.bu", CONFIG + "storage: [\n")
        assert "site.bu:" in until_it_waits(process)
        (tmp_path / "site.bu").unlink()
        assert "failed to open site.bu" in until_it_waits(process)
        os.mkfifo(tmp_path / "site.bu")
        assert "failed to read site.bu: it is a named pipe" in until_it_waits(process)
        (tmp_path / "site.bu").unlink()
        (tmp_path / "site.bu").write_text(CONFIG)
        until_it_waits(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130


@pytest.mark.slow
def test_check_finds_new_configs_and_settings(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.bu").write_text(GOOD + "foo: 1\n")
    with started(tmp_path, "check", "--watch", ".") as process:
        assert "1 config is valid: 1 warning" in until_it_waits(process)
        (tmp_path / "b.bu").write_text(GOOD)
        assert "2 configs are valid" in until_it_waits(process)
        (tmp_path / ".transpile.toml").write_text("strict = true\n")
        assert "1 of 2 configs is not valid" in until_it_waits(process)
        (tmp_path / ".transpile.toml").write_text("strict = 1\n")
        assert "strict is not true or false" in until_it_waits(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) in {-signal.SIGTERM, 128 + signal.SIGTERM}


@pytest.mark.slow
def test_it_ends_with_the_rest_of_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "site.bu").write_text(GOOD)
    with started(tmp_path, "--watch", "site.bu") as process:
        until_it_waits(process)
        assert process.stdout is not None
        process.stdout.close()
        (tmp_path / "site.bu").write_text(GOOD + "foo: 1\n")
        assert process.wait(timeout=60) == 1, "as whenever standard output is lost"
        process.stdout = None


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--watch"], ["check", "--watch", "--fix", "."]])
def test_what_cannot_be_watched(arguments: list[str], tmp_path: Path) -> None:
    with started(tmp_path, *arguments) as process:
        assert process.wait(timeout=60) == 2
