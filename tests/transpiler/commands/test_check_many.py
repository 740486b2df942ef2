"""`transpile check`."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.transpiler.test_cli import BAD, GOOD, run
from transpiler.commands.check_many import check_many


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Twelve good configs, a bad one, and files that are not configs."""
    (tmp_path / "deep").mkdir()
    for number in range(12):
        (tmp_path / "deep" / f"{number}.bu").write_text(GOOD)
    (tmp_path / "site.yaml").write_text(BAD)
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.bu").write_text(BAD)
    return tmp_path


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_directory(repository: Path, jobs: str) -> None:
    done = run("check", ".", "-j", jobs, cwd=repository)
    assert done.returncode == 1
    assert "site.yaml:3:26: error: storage.files[0].path: path not absolute" in done.stdout
    assert done.stderr == "1 of 13 configs is not valid: 1 error, 1 warning\n"


def test_a_glob_and_the_order_of_results(repository: Path) -> None:
    assert run("check", "deep/*.bu", cwd=repository).stderr == "12 configs are valid\n"


def test_local_files_are_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "motd").write_text("hi")
    (tmp_path / "a" / "x.bu").write_text(GOOD + "storage: {files: [{path: /a, contents: {local: motd}}]}\n")
    assert run("check", ".", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("arguments", [["nope"], ["*.nope"], []])
def test_nothing_to_check_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert run("check", *arguments, cwd=tmp_path).returncode == 2


def test_strict(tmp_path: Path) -> None:
    (tmp_path / "x.bu").write_text(GOOD + "foo: 1\n")
    assert run("check", ".", cwd=tmp_path).returncode == 0
    assert run("check", "--strict", ".", cwd=tmp_path).returncode == 1


def test_json(repository: Path) -> None:
    found = json.loads(run("check", "-f", "json", ".", cwd=repository).stdout)
    assert {one["file"] for one in found} == {"site.yaml"}
    assert {one["severity"] for one in found} == {"error", "warning"}


def test_github(repository: Path) -> None:
    assert "::error file=site.yaml,line=3,col=26::" in run("check", "-f", "github", ".", cwd=repository).stdout


def test_sarif(repository: Path) -> None:
    output = repository / "findings.sarif"
    run("check", "-f", "sarif", "-o", str(output), ".", cwd=repository)
    results = json.loads(output.read_text())["runs"][0]["results"]
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "site.yaml"


def test_junit(repository: Path) -> None:
    suite = ET.fromstring(run("check", "-f", "junit", ".", cwd=repository).stdout)
    assert suite.attrib["tests"] == "13"
    assert suite.attrib["failures"] == "1"
    assert len(suite.findall("testcase/failure")) == 1


@pytest.mark.parametrize("names", [["base.bu", "child.bu"], ["child.bu", "base.bu"], ["child.bu", "other.bu"]])
def test_a_finding_of_a_base_is_shown_once(
    tmp_path: Path, names: list[str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "base.bu").write_text(GOOD + "passwd: {users: [{name: a b}]}\nfoo: 1\n")
    child = GOOD + "extends: base.bu\npasswd: {users: [{name: core}]}\n"
    for name in ("child.bu", "other.bu"):
        (tmp_path / name).write_text(child)
    assert check_many(["-f", "json", "-j", "1", *(str(tmp_path / name) for name in names)]) == 0
    found = [(Path(one["file"]).name, one["rule"]) for one in json.loads(capsysbinary.readouterr().out)]
    assert sorted(found) == [("base.bu", "account-name"), ("base.bu", "unused-key")]


@pytest.mark.parametrize(("brought", "expected"), [("app.service", []), ("other.service", ["base.bu"])])
@pytest.mark.parametrize("names", [["base.bu", "child.bu"], ["child.bu", "base.bu"]])
def test_a_base_may_lack_a_unit_that_its_child_brings(
    tmp_path: Path, names: list[str], brought: str, expected: list[str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    unit = "systemd:\n  units:\n    - name: {}\n      contents: |\n        [Unit]\n        {}\n"
    service = "[Service]\n        ExecStart=/bin/true"
    (tmp_path / "base.bu").write_text(GOOD + unit.format("a.service", f"Requires=app.service\n        {service}"))
    (tmp_path / "child.bu").write_text(GOOD + "extends: base.bu\n" + unit.format(brought, service))
    assert check_many(["-f", "json", "-j", "1", *(str(tmp_path / name) for name in names)]) == 0
    found = json.loads(capsysbinary.readouterr().out)
    assert [Path(one["file"]).name for one in found if one["rule"] == "missing-unit"] == expected
