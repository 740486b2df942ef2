"""What visudo says of rules of sudo."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from transpiler.lint.content.files.sudoers import sudoers
from transpiler.lint.content.files.visudo import complaints_of_visudo

needs_visudo = pytest.mark.skipif(
    shutil.which("visudo", path="/usr/sbin:/usr/bin:/sbin") is None,
    reason="visudo of the package sudo is not installed",
)


@needs_visudo
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("core ALL=(ALL) ALL\nDefaults timestamp_timeout=abc\n", [1]),
        ("core ALL=(ALL) /bin/a ,\n", [0]),
        ("core ALL=(ALL) NOPASSWD: OTHERS\n", []),  # an alias of another file
        ("User_Alias X = a\ncore ALL=(ALL) ALL\n", []),  # a warning only
        ("@include /nonexistent\ncore ALL=(ALL) /bin/a ,\n", []),
        ("core ALL=(ALL) ALL", []),
    ],
)
def test_visudo_finds_what_our_rules_do_not(text: str, lines: list[int]) -> None:
    assert [one.line for one in sudoers("", text)] == lines


@needs_visudo
def test_our_rules_come_first() -> None:
    assert ["visudo" in one.message for one in sudoers("", "core ALL=(ALL NOPASSWD: ALL\n")] == [False]


def test_without_visudo(tmp_path: Path) -> None:
    assert complaints_of_visudo("core ALL=(ALL) /bin/a ,\n", str(tmp_path)) == ()


def test_a_program_that_says_something_else(tmp_path: Path) -> None:
    program = tmp_path / "visudo"
    program.write_text("#!/bin/sh\necho 'stdin:99:1: a\tb' >&2\necho stdin:0: x >&2\nexit 1\n")
    program.chmod(0o755)
    assert complaints_of_visudo("a\nb", str(tmp_path)) == ((1, "ab"),)
    program.write_text("no program")
    assert complaints_of_visudo("a\nb\n", str(tmp_path)) == ()
