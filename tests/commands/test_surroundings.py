"""The man page and the completions of `provision` have exactly the options of its parser."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.cli import COMMANDS, EXIT_CODES, command_line
from provision.commands.compatible.ignition.stage import StageOptions
from provision.fetch.platforms.table import PLATFORMS
from provision.fetch.running_system import SystemPaths

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "man" / "provision.1").read_text().replace("\\-", "-")
SECTIONS = dict(zip(*[iter(re.split(r"^\.SH (.*)\n", PAGE, flags=re.MULTILINE)[1:])] * 2, strict=True))
SHELLS = {"bash": "provision.bash", "zsh": "_provision", "fish": "provision.fish"}
OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


def subparser(command: str) -> argparse.ArgumentParser:
    (commands,) = (one for one in command_line()._actions if isinstance(one, argparse._SubParsersAction))
    parser: argparse.ArgumentParser = commands.choices[command]
    return parser


def declared(command: str) -> set[str]:
    flags = {flag for action in subparser(command)._actions for flag in action.option_strings}
    return {flag.removeprefix("--") for flag in flags if flag.startswith("--")} - {"help"}


def in_bash(text: str, command: str) -> str:
    shared = "".join(re.findall(r'local target="(.*)"', text))
    return "".join(re.findall(rf'\*:{command}\) options="(.*)"', text)).replace("$target", shared)


def in_zsh(text: str, command: str) -> str:
    shared = text.partition("local -a target=(")[2].partition("\n    )")[0]
    own = text.partition(f"{command}1)")[2].partition(";;")[0]
    return re.sub(r"\[[^]]*\]", "", (shared if "$target" in own else "") + own)


def in_fish(text: str, command: str) -> str:
    groups = ("$target", f"${command}") if command in {"plan", "apply"} else (f"${command}",)
    lines = [line for line in text.splitlines() if any(f"-n {group} " in line for group in groups)]
    return " ".join(f"--{name}" for line in lines for name in re.findall(r" -l ([a-z-]+)", line))


READ: dict[str, Callable[[str, str], str]] = {"bash": in_bash, "zsh": in_zsh, "fish": in_fish}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_man_page_has_every_option(command: str) -> None:
    text = SECTIONS[f"PROVISION {command.upper()}"]
    terms = "\n".join(re.findall(r"^\.TP\n(.*)$", text, flags=re.MULTILINE))
    assert set(OPTION.findall(terms)) == declared(command)


def test_the_man_page_has_the_stages_options_codes_and_environment() -> None:
    terms = re.findall(r"^\.TP\n\.B --([a-z-]+)", SECTIONS["STAGES"], flags=re.MULTILINE)
    assert set(terms) == {name.replace("_", "-") for name in StageOptions._fields}
    codes = set(re.findall(r"^  ([0-9]+)  ", EXIT_CODES, flags=re.MULTILINE))
    assert codes <= set(re.findall(r"^\.B ([0-9]+)$", SECTIONS["EXIT STATUS"], flags=re.MULTILINE))
    assert "128 + N" in EXIT_CODES
    assert '.BR 128 " + "' in SECTIONS["EXIT STATUS"]
    for field in set(SystemPaths._fields) - {"credentials_directory"}:
        assert f"IGNITION_{field.upper()}" in SECTIONS["ENVIRONMENT"]
    assert "CREDENTIALS_DIRECTORY" in SECTIONS["ENVIRONMENT"]


def test_the_man_page_has_no_formatting_errors() -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    page = ROOT / "docs" / "man" / "provision.1"
    done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("shell", SHELLS)
def test_completion_has_every_option_and_choice(shell: str, command: str) -> None:
    text = (ROOT / "completion" / SHELLS[shell]).read_text()
    assert set(OPTION.findall(READ[shell](text, command))) - {"help"} == declared(command)
    for action in subparser(command)._actions:
        assert " ".join(map(str, action.choices or ())) in text


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_has_every_command_and_platform(shell: str) -> None:
    text = (ROOT / "completion" / SHELLS[shell]).read_text()
    assert " ".join(["auto", *sorted(PLATFORMS)]) in " ".join(text.replace("\\\n", " ").split())
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_valid_shell_code(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n", ROOT / "completion" / SHELLS[shell]], check=True)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("pl", "plan"),
        ("plan si", "site.yaml"),
        ("plan --st", "--strict-devices"),
        ("apply site.yaml --fo", "--force"),
        ("validate --format g", "github"),
        ("fetch --platform aw", "aws"),
    ],
)
def test_bash_completes(words: str, completed: str, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").touch()
    (tmp_path / "site.txt").touch()
    script = f"""
        source {ROOT}/completion/provision.bash
        COMP_WORDS=(provision {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _provision; echo "${{COMPREPLY[*]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == f"{completed}\n"
