"""Measure how long whole processes of `transpile` take, and of Butane in the same run if it is on PATH.

    python -m tests.transpiler.bench

(a) 20 lines, (b) 200 lines, (c) 2,000 inline files of 1.3 MB, (d) a tree of 1,000 local files, (e) 200 configs: one
`transpile check` against a loop of `butane --check`. Then, without Butane, the language server: from a change of a text
of 500 lines to its diagnostics, over pipes.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.transpiler.language_client import LanguageClient

ROOT = Path(__file__).resolve().parents[2]
HEAD = "variant: fcos\nversion: 1.5.0\n"
SMALL = f"""{HEAD}passwd:
  users:
    - name: core
      ssh_authorized_keys:
        - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII3vChwbNFTY8T3VM01ipRgFuFOM9oErj2Kwwhiyx/6G me@example
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: web
systemd:
  units:
    - name: web.service
      enabled: true
      contents: |
        [Install]
        WantedBy=multi-user.target
"""
WORDS = (
    "the quick brown fox",
    "jumps over",
    "a lazy dog",
    "while http",
    "listens on port",
    "and config",
    "enables tls",
)


class Goal(NamedTuple):
    """A limit: in seconds, or as a share of Butane's time."""

    seconds: float | None = None
    share: float | None = None

    def text(self) -> str:
        """The limit as text."""
        return f"at most {self.seconds * 1000:.0f} ms" if self.seconds else f"at most {self.share} of Butane's"


GOALS = {"a": Goal(0.15), "b": Goal(0.15), "c": Goal(share=0.5), "d": Goal(share=0.5), "e": Goal(share=0.7)}


def main() -> None:
    """Measure all inputs and print a table."""
    butane = shutil.which("butane")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        _write_inputs(place)
        print(f"{'':2}{'transpile':>12}{'butane':>12}{'share':>8}  goal")
        for name, goal in GOALS.items():
            ours = _seconds(partial(_ours, name, place))
            theirs = _seconds(partial(_theirs, name, place, butane)) if butane else None
            share = f"{ours / theirs:8.2f}" if theirs else f"{'-':>8}"
            shown = f"{theirs * 1000:9.1f} ms" if theirs else f"{'-':>12}"
            print(f"{name:2}{ours * 1000:9.1f} ms{shown}{share}  {goal.text()}")
    if butane is None:
        print("butane is not on PATH: nothing to compare with")
    _measure_editor()


def _measure_editor(changes: int = 40) -> None:
    """Print how long an editor waits for diagnostics. The server itself waits 10 ms for further changes."""
    texts = [f"{_files(83, 3, random.Random(1))}# {number}\n" for number in range(changes)]
    uri, taken = "file:///nowhere/site.bu", []
    argv = [sys.executable, "-m", "transpiler", "lsp"]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        if server.stdin is None or server.stdout is None:
            return
        editor = LanguageClient(server.stdin, server.stdout)
        try:
            editor.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        except EOFError:
            return  # pygls is not installed, and the server has said so
        opened = {"uri": uri, "languageId": "yaml", "version": 0, "text": ""}
        editor.notify("textDocument/didOpen", {"textDocument": opened})
        editor.wait("textDocument/publishDiagnostics")
        for version, text in enumerate(texts, 1):
            started = time.perf_counter()
            changed = {"uri": uri, "version": version}
            editor.notify("textDocument/didChange", {"textDocument": changed, "contentChanges": [{"text": text}]})
            editor.wait("textDocument/publishDiagnostics")
            taken.append(time.perf_counter() - started)
        editor.request("shutdown", None)
        editor.notify("exit", {})
    lines = texts[0].count("\n")
    print(f"diagnostics of {lines} lines in an editor: {median(taken) * 1000:.0f} ms (at most 100 ms)")


def _write_inputs(place: Path) -> None:
    source = random.Random(1)
    (place / "a.bu").write_text(SMALL)
    (place / "b.bu").write_text(_files(20, 6, source))
    (place / "c.bu").write_text(_files(2000, 10, source))
    (place / "d.bu").write_text(f"{HEAD}storage:\n  trees:\n    - local: tree\n      path: /opt\n")
    (place / "e").mkdir()
    for number in range(200):
        (place / "e" / f"{number}.bu").write_text(_files(5, 6, source))
    for number in range(1000):
        file = place / "tree" / f"d{number % 20}" / f"f{number}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_lines(12, source))


def _files(count: int, lines: int, source: random.Random) -> str:
    items = (
        f"    - path: /etc/app/f{number}\n      mode: 0644\n      contents:\n        inline: |\n"
        + "".join(f"          {line}\n" for line in _lines(lines, source).splitlines())
        for number in range(count)
    )
    return f"{HEAD}storage:\n  files:\n{''.join(items)}"


def _lines(count: int, source: random.Random) -> str:
    return "".join(" ".join(source.choices(WORDS, k=4)) + "\n" for _ in range(count))


def _seconds(run: Callable[[], None], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return median(taken)


def _ours(name: str, place: Path) -> None:
    args = ["check", "--quiet", "e"] if name == "e" else ["-d", ".", f"{name}.bu"]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from transpiler.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, *args], cwd=place, stdout=subprocess.DEVNULL, check=True)


def _theirs(name: str, place: Path, butane: str) -> None:
    if name == "e":
        command = ["sh", "-c", 'for file in e/*.bu; do "$0" --check "$file"; done', butane]
    else:
        command = [butane, "-d", ".", f"{name}.bu"]
    subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
