"""The command `transpile`, started as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "variant: fcos\nversion: 1.5.0\n"
BAD = GOOD + "storage: {files: [{path: a, mode: 644}]}\n"
ROOT = Path(__file__).resolve().parents[2]


def run(
    *args: str, text: str = "", cwd: Path | None = None, name: str = "transpile"
) -> subprocess.CompletedProcess[str]:
    """Start the command under a name, as the installed script does."""
    code = f"import sys; sys.argv[0] = {name!r}; from transpiler.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    argv = [sys.executable, "-c", code, *args]
    return subprocess.run(argv, input=text, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


def test_json_on_standard_output() -> None:
    done = run(text=GOOD)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"ignition":{"version":"3.4.0"}}\n', "")


def test_check_prints_nothing() -> None:
    assert run("--check", text=GOOD).stdout == ""


def test_a_report_for_people_has_place_line_caret_and_hint(tmp_path: Path) -> None:
    (tmp_path / "site.bu").write_text(BAD)
    done = run("site.bu", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "site.bu:3:26: error: storage.files[0].path: path not absolute" in done.stderr
    assert "write 0644" in done.stderr
    assert done.stderr.index("error:") < done.stderr.index("warning:")
    assert done.stderr.endswith("site.bu: not transpiled: 1 error, 1 warning\n")


def test_raw_errors_are_those_of_butane() -> None:
    done = run("--raw-errors", text=BAD)
    assert "error at $.storage.files.0.path, line 3 col 26: path not absolute\n" in done.stderr
    assert done.stderr.endswith("Error translating config: config generated was invalid\n")


def test_strict_refuses_warnings() -> None:
    text = GOOD + "foo: 1\n"
    assert run(text=text).returncode == 0
    assert run("-s", text=text).returncode == 1
    assert run("-s", "--raw-errors", text=text).stderr.endswith("--strict was specified\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--x"], "unknown flag: --x"),
        (["-px"], "unknown shorthand flag: 'x' in -px"),
        (["--output"], "flag needs an argument: --output"),
        (["-d"], "flag needs an argument: 'd' in -d"),
        (["--che"], "unknown flag: --che"),
        (["--check=x"], 'invalid argument "x" for "-c, --check" flag: strconv.ParseBool: parsing "x": invalid syntax'),
        (["a", "b"], "print the version and exit"),
    ],
)
def test_a_wrong_command_line(args: list[str], message: str) -> None:
    done = run(*args, name="butane")
    assert done.returncode == 2
    assert done.stderr.endswith(f"{message}\n")


@pytest.mark.parametrize(
    "args", [["-pd", "."], ["-p", "-d."], ["-d=.", "--pretty=T"], ["--files-dir", ".", "-cp", "-c=0"]]
)
def test_options_as_pflag_reads_them(args: list[str], tmp_path: Path) -> None:
    (tmp_path / "motd").write_text("hi")
    text = GOOD + "storage: {files: [{path: /a, contents: {local: motd}}]}\n"
    assert '"source": "data:,hi"' in run(*args, text=text, cwd=tmp_path).stdout


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert run("nope", cwd=tmp_path).stderr == "failed to open nope: open nope: no such file or directory\n"
    assert run(".", cwd=tmp_path).stderr == "failed to read .: read .: is a directory\n"
    assert run("-", cwd=tmp_path).returncode == 1


def test_an_output_file(tmp_path: Path) -> None:
    assert run("-o", str(tmp_path / "out.json"), text=GOOD).stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    done = run("-o", str(tmp_path / "no" / "out"), text=GOOD)
    assert done.returncode == 1
    assert "no such file or directory" in done.stderr


def test_started_as_butane() -> None:
    done = run(text=BAD, name="butane")
    assert done.stderr.startswith("warning[$.storage.files.0.mode]:\n  --> <stdin>:3:35\n")
    assert done.stderr.endswith("Error translating config: config generated was invalid\n")
    assert run("--help", name="butane").stdout.startswith("Usage: butane [options] [input-file]\nOptions:\n")
    assert run("check", name="butane").returncode == 1


def test_help_has_examples() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert "transpile check" in done.stdout


def test_schema() -> None:
    assert json.loads(run("schema", "fcos", "1.6.0").stdout)["title"] == "fcos 1.6.0"
    assert "allOf" in json.loads(run("schema").stdout)
    refused = run("schema", "fcos", "9.0.0")
    assert (refused.returncode, "there is no schema for fcos 9.0.0" in refused.stderr) == (2, True)


def test_version_and_help_load_nothing_heavy() -> None:
    code = "import sys, transpiler.cli; print(*{'yaml', 'jsonschema', 'argparse'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["--strct", "x"], "unknown flag: --strct (did you mean --strict?)"),
        (["chekc", "."], "chekc is neither a file nor a command (did you mean check?)"),
        (["shema"], "shema is neither a file nor a command (did you mean schema?)"),
        (["check", "--formt", "json", "."], "unknown option --formt (did you mean --format?)"),
        (["check", "--format", "jsn", "."], "(did you mean json?)"),
    ],
)
def test_misspelled_commands_and_options(args: list[str], meant: str, tmp_path: Path) -> None:
    assert meant in run(*args, cwd=tmp_path).stderr
    assert "did you mean" not in run(*args, cwd=tmp_path, name="butane").stderr


def test_control_characters_in_file_names_are_escaped(tmp_path: Path) -> None:
    name = "x\x1b[2J\n.bu"
    (tmp_path / name).write_text(BAD)
    for arguments in ([name], ["--raw-errors", name], [f"{name}x"], ["-o", f"{name}/x", name], ["check", name]):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert "\x1b" not in done.stdout + done.stderr
    for form in ("text", "json", "github", "sarif", "junit"):
        done = run("check", "-f", form, ".", cwd=tmp_path)
        assert "\x1b" not in done.stdout
        assert "x%1B%5B2J%0A.bu" in done.stdout if form == "sarif" else "x1b[2J" in done.stdout


def test_documents_variables_and_secrets(tmp_path: Path) -> None:
    (tmp_path / "base.bu").write_text(GOOD + "passwd: {users: [{name: core, password_hash: !secret core}]}\n")
    (tmp_path / "site.bu").write_text("storage: {files: [{path: /etc/a, contents: {inline: !format 'host={host}'}}]}\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "core").write_text("$y$j9T$xxxxxxxxxxxxxxxxxxxxxx$" + "x" * 43 + "\n")
    options = ("--secrets-file", "secrets", "--var", "host=web1")
    done = run(*options, "base.bu", "site.bu", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "$y$j9T$" in done.stdout
    plain = run(*options, "--plain", "base.bu", "site.bu", cwd=tmp_path)
    assert "inline: host=web1" in plain.stdout or 'inline: "host=web1"' in plain.stdout
    assert run(text=plain.stdout).stdout == done.stdout
    assert run(text=plain.stdout, name="butane").stdout == done.stdout
    wrong = run("base.bu", "site.bu", cwd=tmp_path)
    assert "base.bu:3:46: error: " in wrong.stderr
    assert "site.bu:1:53: error: " in wrong.stderr
    assert run("--var", "host", "base.bu", cwd=tmp_path).returncode == 2
    assert run("base.bu", "site.bu", cwd=tmp_path, name="butane").returncode == 2


def test_settings_name_files_of_values(tmp_path: Path) -> None:
    (tmp_path / ".transpile.toml").write_text('vars-file = "vars.yaml"\n')
    (tmp_path / "vars.yaml").write_text("mode: 0600\n")
    (tmp_path / "site.bu").write_text(GOOD + "storage: {files: [{path: /a, mode: !var mode}]}\n")
    assert '"mode":384' in run("site.bu", cwd=tmp_path).stdout
    with (tmp_path / ".transpile.toml").open("a") as settings:
        settings.write('secrets-file = "not-in-the-repository.yaml"\n')
    assert run("check", ".", cwd=tmp_path).returncode == 0
    assert run("diff", "site.bu", "site.bu", cwd=tmp_path).returncode == 0


def test_check_json_names_the_file_of_a_part(tmp_path: Path) -> None:
    (tmp_path / "part.bu").write_text("files: [{path: a}]\n")
    (tmp_path / "site.bu").write_text(GOOD + "storage: !include part.bu\n")
    done = run("check", "--format", "json", "part.bu", cwd=tmp_path)
    assert [(one["file"], one["line"], one["column"]) for one in json.loads(done.stdout)] == [("part.bu", 1, 16)]
    assert done.stderr == "1 config is not valid: 1 error\n"


def test_a_finding_of_a_common_part_is_shown_once_and_in_the_job_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "part.bu").write_text("files: [{path: a}]\n")
    for name in ("one.bu", "two.bu"):
        (tmp_path / name).write_text(GOOD + "storage: !include part.bu\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = run("check", "--format", "github", ".", cwd=tmp_path)
    assert done.stdout.count("::error file=part.bu,line=1,col=16::") == 1
    assert done.stderr == "2 of 2 configs are not valid: 1 error\n"
    assert "| part.bu:1:16 | error |" in (tmp_path / "summary.md").read_text()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary.md"))
    assert "cannot be written: no such file" in run("check", "--format", "github", ".", cwd=tmp_path).stderr
