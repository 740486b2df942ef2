"""`provision validate` and `ignition-validate`, started as processes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from provision.commands.given_config import read_text
from provision.config.json_text.parse import MAX_BYTES

GOOD = '{"ignition": {"version": "3.4.0"}}\n'
WARNS = '{"ignition": {"version": "3.4.0"},\n "storge": {}}\n'
BAD = '{"ignition": {"version": "3.4.0"},\n "storage": {"files": [{"path": "a"}]}}\n'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("good.ign", GOOD), ("warns.ign", WARNS), ("bad.ign", BAD), ("empty.ign", "")):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(program: str, arguments: Sequence[str], directory: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    code = "import sys; from provision.cli import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, program, *arguments]
    return subprocess.run(command, cwd=directory, input=text, capture_output=True, text=True, check=False)


def validate(arguments: Sequence[str], directory: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    return run("provision", ["validate", *arguments], directory, text)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.ign"], 0),
        (["warns.ign"], 0),
        (["--strict", "warns.ign"], 1),
        (["bad.ign"], 1),
        (["empty.ign"], 1),
        (["good.ign", "bad.ign"], 1),
        (["missing.ign"], 1),
        ([], 2),
        (["--format", "x", "good.ign"], 2),
    ],
)
def test_exit_codes(files: Path, arguments: list[str], code: int) -> None:
    done = validate(arguments, files)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_problems_have_their_place(files: Path) -> None:
    done = validate(["warns.ign", "bad.ign"], files)
    assert done.stdout == (
        "bad.ign:2:33: error: storage.files[0].path: path not absolute [relative-path]\n"
        "warns.ign:2:2: warning: storge: unused key storge (hint: did you mean storage?) [unused-key]\n"
    )


def test_a_good_config_prints_nothing(files: Path) -> None:
    assert validate(["good.ign"], files).stdout == ""


def test_compressed_user_data(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"ignition": {"version": "3.4.0"}}')
    (tmp_path / "a.gz").write_bytes(whole)
    (tmp_path / "short.gz").write_bytes(whole[:-9])
    assert validate(["a.gz"], tmp_path).returncode == 0
    done = validate(["short.gz", "a.gz"], tmp_path)
    assert (done.returncode, done.stdout) == (1, "short.gz: error: the gzip stream is cut short [unreadable-file]\n")


def test_standard_input_has_a_name(files: Path) -> None:
    done = validate(["-"], files, BAD)
    assert done.stdout.startswith("<stdin>:2:33: error: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<stdin>: error: not a config (empty) (hint: the file has no content)"),
        ("{}", "invalid config version (couldn't parse)"),
        (
            '{"ignition": {"version": "2.5.0"}}',
            "ignition.version: unsupported config version (hint: known versions are 3.0.0",
        ),
        ('{"ignition": {"version": "3.4.0"}', "<stdin>:1:34: error: unexpected end of JSON input"),
    ],
)
def test_texts_without_a_usable_version(files: Path, text: str, message: str) -> None:
    (files / "it.ign").write_text(text)
    done = validate(["it.ign"], files)
    assert message.replace("<stdin>", "it.ign") in done.stdout
    assert done.returncode == 1


def test_formats_for_programs(files: Path) -> None:
    assert json.loads(validate(["--format", "json", "bad.ign"], files).stdout)[0]["line"] == 2
    assert validate(["--format", "github", "bad.ign"], files).stdout.startswith("::error file=bad.ign,line=2,col=33::")
    sarif = json.loads(validate(["--format", "sarif", "bad.ign", "warns.ign"], files).stdout)
    assert [result["level"] for result in sarif["runs"][0]["results"]] == ["error", "warning"]
    assert json.loads(validate(["--format", "json", "good.ign"], files).stdout) == []


def test_strict_turns_warnings_into_errors(files: Path) -> None:
    assert "error: storge" in validate(["--strict", "warns.ign"], files).stdout


def test_a_container_linux_config_is_validated_as_ignition_2_3(files: Path) -> None:
    text = "docker: {}\nstorage:\n  files:\n    - {path: /a, mode: 0644}\n"
    (files / "site.yaml").write_text(text)
    assert (validate(["site.yaml"], files).returncode, validate(["site.yaml"], files).stdout) == (0, "")
    (files / "site.yaml").write_text(text.replace("/a", "a"))
    done = validate(["site.yaml"], files)
    assert done.returncode == 1
    assert done.stdout.startswith("site.yaml:4:14: error: storage.files[0].path: path not absolute")


def test_yaml_problems_have_the_line_of_the_yaml(files: Path) -> None:
    pytest.importorskip("transpiler.phases")
    (files / "site.yaml").write_text("variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: a\n")
    done = validate(["site.yaml"], files)
    assert done.returncode == 1
    assert done.stdout.startswith("site.yaml:5:13: error: storage.files[0].path: path not absolute")


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["good.ign"], 0, "", ""),
        (["warns.ign"], 0, "warning at $.storge, line 2 col 2: unused key storge\n", ""),
        (["bad.ign"], 1, "error at $.storage.files.0.path, line 2 col 33: path not absolute\n", ""),
        (["empty.ign"], 1, "", "couldn't parse config: not a config (empty)\n"),
        (["missing.ign"], 1, "", "couldn't read config: open missing.ign: no such file or directory\n"),
    ],
)
def test_ignition_validate(files: Path, arguments: list[str], code: int, out: str, err: str) -> None:
    done = run("ignition-validate", arguments, files)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 1), (["a", "b"], 1), (["-x"], 2), (["-version"], 0), (["-h"], 0), (["."], 1)]
)
def test_the_command_line_of_ignition_validate(files: Path, arguments: list[str], code: int) -> None:
    assert run("ignition-validate", arguments, files).returncode == code


def test_no_more_is_read_than_a_config_may_have() -> None:
    assert len(read_text("/dev/zero").text) == MAX_BYTES + 1
