"""Wrong input: every command says where, what, and what to do, and shows no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import WITHOUT_RIGHTS

pytestmark = pytest.mark.slow  # each test starts programs

BAD = {
    "empty.ign": (b"", "not a config (empty)"),
    "truncated.ign": (b'{"ignition": {"version": "3.4.0"', "unexpected end of JSON input"),
    "list.ign": (b"[1]", "expected an object, found a list"),
    "no-version.ign": (b"{}", "couldn't parse"),
    "future.ign": (b'{"ignition": {"version": "9.0.0"}}', "unsupported config version"),
    "type.ign": (b'{"ignition": {"version": "3.4.0"}, "storage": {"files": 3}}', "storage.files"),
    "binary.ign": (bytes(range(256)), ""),
    "nested.ign": (b"[" * 200_000, "deep"),
    "no-variant.yaml": (b"version: 1.5.0\n", "variant"),
    "variant.yaml": (b"variant: nonesuch\nversion: 1.5.0\n", "nonesuch"),
    "version.yaml": (b"variant: fcos\nversion: 9.9.9\n", "9.9.9"),
    "tab.yaml": (b"variant: fcos\nversion: 1.5.0\nstorage:\n\tfiles: []\n", ":4:"),
    "text.yaml": (b"just some words\n", "expected a mapping"),
    "type.yaml": (b"variant: fcos\nversion: 1.5.0\nstorage:\n  files: 3\n", ":4:"),
    "rule.yaml": (b"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: etc/x\n", "path not absolute"),
}


def provision(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "provision", *arguments], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_config_is_explained(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    for arguments in (("validate",), ("plan",), ("apply", "--root", str(tmp_path))):
        done = provision(*arguments, str(tmp_path / name))
        output = done.stdout + done.stderr
        assert done.returncode == 1, output
        assert name in output
        assert message in output
        assert "Traceback" not in output
    assert sorted(path.name for path in tmp_path.iterdir()) == [name], "nothing was written"


def test_all_problems_come_at_once_with_their_places(tmp_path: Path) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(
        "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: a\n      moed: 1\n    - path: b\n"
    )
    output = provision("validate", str(config)).stdout
    for place in (f"{config}:5:13: error: storage.files[0].path", f"{config}:7:13: error: storage.files[1].path"):
        assert place in output
    assert "did you mean mode?" in output


@pytest.mark.parametrize("command", ["plan", "validate", "apply"])
def test_a_missing_file_and_a_directory_are_named(command: str, tmp_path: Path) -> None:
    rest = ["--root", str(tmp_path)] if command == "apply" else []
    for path in (tmp_path / "nope", tmp_path):
        done = provision(command, *rest, str(path))
        assert done.returncode in {1, 2}
        assert str(path) in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="gives its rights away")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.ign"
    secret.write_text("{}")
    secret.chmod(0)
    argv = [*WITHOUT_RIGHTS, sys.executable, "-m", "provision", "plan", str(secret)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert "cannot be read: permission denied" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["nonesuch"], ["plan"], ["plan", "--nonesuch", "x"], ["apply", "--siz", "1", "x"]]
)
def test_a_wrong_command_line_is_an_exit_of_two(arguments: list[str]) -> None:
    done = provision(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_help_explains_the_commands() -> None:
    output = provision("--help").stdout
    for word in ("plan", "apply", "validate", "exit codes:", "70"):
        assert word in output
    assert "provision plan site.yaml" in provision("plan", "--help").stdout
