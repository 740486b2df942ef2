"""Every command line of the tutorial, the guides and README exists as it is shown; those of the tutorial are run.

The test of the tutorial has the marker `disks`, because some commands need root. Those of `provision` in the guides are
run by test_provision_commands.py.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from provision.cli import command_line
from transpiler import cli, transpile
from transpiler.commands import check_many, diff, explain, fmt, lsp, options, pack
from transpiler.convert import command as convert

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs/tutorial.md"
PAGES = [ROOT / "README.md", TUTORIAL, *sorted((ROOT / "docs/guide").glob("*.md"))]
PARSERS = {
    "check": check_many.command_line,
    "convert": convert.command_line,
    "diff": diff.command_line,
    "explain": explain.command_line,
    "fmt": fmt.command_line,
    "lsp": lsp.command_line,
    "pack": pack.command_line,
}


def code(text: str) -> Iterator[str]:
    """The lines of fenced and indented code, without prompts and comments."""
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield re.sub(r"^\s*(\$ )?(sudo )?|\s+#\s.*$", "", line)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each command line of `transpile` and `provision`, without redirections and what is piped."""
    for line in code(page.read_text("utf-8")):
        if re.match(r"(transpile|provision) (?!\|)[\w./<>-]", line):
            words = shlex.shlex(re.split(r" (?:\d?[<>|&]|\|\|)", line)[0], posix=True, punctuation_chars=False)
            words.whitespace_split, words.commenters = True, ""
            yield list(words)


def wrong(words: list[str]) -> str:
    """What is wrong with a command line; empty if the program takes it."""
    program, first = words[0], words[1]
    said = StringIO()
    try:
        with redirect_stderr(said):
            if program == "provision":
                command_line([first]).parse_args(words[1:])
            elif first in PARSERS:
                PARSERS[first]().parse_args(words[2:])
            elif first != "schema":
                options.parse(words[1:], as_butane=False)
    except (SystemExit, options.UsageError) as error:
        return f"{said.getvalue()}{error}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_command_lines_exist(page: Path) -> None:
    found = list(commands(page))
    assert {shlex.join(one): why for one in found if (why := wrong(one))} == {}


def test_commands_are_found() -> None:
    assert ["transpile", "check", "--fix", "site.bu"] in list(commands(TUTORIAL))
    assert sum(len(list(commands(page))) for page in PAGES) > 60
    assert wrong(["transpile", "check", "--nonsense"])
    assert wrong(["transpile", "--nonsense"])
    assert wrong(["provision", "plan", "--nonsense", "a"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_configs_are_valid(page: Path) -> None:
    blocks = re.findall(r"^```yaml[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found = [transpile(one.encode()) for one in blocks if one.startswith("variant: ")]
    assert [one.render() for one in found if one.failed] == []


CONFIG = "variant: flatcar\nversion: 1.0.0\nstorage:\n  files:\n    - path: /etc/a\n      mode: 0644\n"
FILES = {
    "../base/configs/a.bu": CONFIG,
    "base.bu": CONFIG,
    "cloud-config.yaml": "#cloud-config\nhostname: web1\n",
    "config.bu": CONFIG,
    "config.ign": '{"ignition": {"version": "3.2.0"}}',
    "config.yaml": "etcd: {version: 3.5.0, name: a}\n",
    "configs/a.bu": CONFIG,
    "container-linux-config.yaml": 'etcd: {version: 3.5.0, name: "{HOSTNAME}"}\n',
    "new.bu": CONFIG,
    "old.bu": CONFIG,
    "old.ign": '{"ignition": {"version": "2.2.0"}}',
    "secrets.yaml": "token: abc\n",
    "site.bu": CONFIG,
    "site.ign": '{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/etc/a", "mode": 420}]}}',
    "site.yaml": CONFIG,
    "vars.yaml": "host: web1\n",
    "web1.bu": f"{CONFIG}      contents: {{inline: !var {{name: host, default: web0}}}}\n",
}
"""What the commands of the guides find in their folder: configs without problems."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_transpile_succeed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = {shlex.join(one): one for one in commands(page) if one[0] == "transpile" and "--watch" not in one}
    for number, (shown, words) in enumerate(found.items()):
        folder = tmp_path / str(number) / "work"
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(folder)
        status = cli._guarded(words[1:], "transpile")
        said = capfd.readouterr()
        assert status == 0, f"{shown}\n{said.out}{said.err}"


class Step(NamedTuple):
    """A command of the tutorial, and the lines that it shows."""

    command: str
    shown: list[str]


def steps() -> list[Step]:
    """The commands of the tutorial in their order."""
    found: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```", TUTORIAL.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], []))
            else:
                found[-1].shown.append(line)
    return found


def follow(folder: Path) -> None:
    """Do what the tutorial says, and compare what it shows."""
    text = TUTORIAL.read_text("utf-8")
    for name, content in re.findall(r'^```yaml title="([\w.]+)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(content)
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    for command, shown in steps():
        if "provision try" in command:
            continue
        done = subprocess.run(
            ["sh", "-c", command.removeprefix("sudo ")],
            check=False,
            cwd=folder,
            env=os.environ | {"PATH": search},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        for line in shown:
            assert line.removesuffix("...").rstrip() in done.stdout, f"{command}\n{done.stdout}"


@pytest.mark.disks
def test_the_tutorial(tmp_path: Path) -> None:
    follow(tmp_path)
