"""Units, quadlets and files of programs are judged wherever the author wrote their texts."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.transpiler.lint.test_lints import HEAD, findings_of
from transpiler.lint.content.texts import MOST_IN_A_TEXT
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

SYSTEM = "/etc/systemd/system"
WRONG = "[Unit]\nDescripton=x\n[Service]\nExecStart=/bin/true\n"


def file(path: str, contents: str) -> str:
    """A config with one file."""
    return f"storage:\n  files:\n    - path: {path}\n      contents:\n        {contents}\n"


def inline(path: str, text: str) -> list[str]:
    """The findings in an inline file; its text begins in line 8."""
    return findings_of(file(path, "inline: |\n" + "".join(f"          {line}\n" for line in text.split("\n"))))


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        (f"{SYSTEM}/a.service", "[Service]\nExecStart=/bin/true", []),
        (f"{SYSTEM}/a.service", "[Servce]\nExecStart=x", ["8:unit-section"]),
        (f"{SYSTEM}/a.service", "Type=x\n[Service]\nExecStart=x", ["8:unit-without-section"]),
        (f"{SYSTEM}/a.service", "[Service]\nUser=x", ["8:no-exec-start"]),
        (f"{SYSTEM}/a.service", "[Service]\nExecStart=x\nRestart=allways", ["10:unit-value"]),
        (f"{SYSTEM}/a.service", "[Unit]\nWants=network-onlin.target\n[Service]\nExecStart=x", ["9:unit-reference"]),
        (f"{SYSTEM}/a.service.d/x.conf", "[Service]\nUser=x\nUsr=x", ["10:unit-setting"]),
        (f"{SYSTEM}/service.d/x.conf", "[Service]\nUsr=x", ["9:unit-setting"]),
        (f"{SYSTEM}/a.timer", "[Timer]\nOnCalendar=*/5 * * * *", ["9:calendar"]),
        (
            f"{SYSTEM}/a.timer.d/x.conf",
            "[Timer]\nOnCalendar=25:00\nOnBootSec=5 minuten",
            ["9:calendar", "10:unit-value"],
        ),
        (f"{SYSTEM}/x.mount", "[Mount]\nWhere=/var/lib/x\nWhat=/dev/sdb", ["5:mount-unit-name"]),
        ("/home/core/.config/systemd/user/a.service", "[Service]\nExecStart=x\nNice=x", ["10:unit-value"]),
        ("/etc/containers/systemd/a.container", "[Container]\nImage=a", []),
        ("/etc/containers/systemd/a.container", "[Container]\nImag=a", ["9:unit-setting"]),
        ("/etc/containers/systemd/a.volume.d/b.conf", "[Volume]\nDrivr=x", ["9:unit-setting"]),
        ("/home/core/.config/containers/systemd/a.pod", "[Pod]\nPodNam=x", ["9:unit-setting"]),
        ("/srv/a.service", "[Servce]", []),
    ],
)
def test_units_as_files(path: str, text: str, found: list[str]) -> None:
    assert inline(path, text) == found


def data_url(text: str) -> str:
    """The text as a data URL."""
    return f"source: 'data:;base64,{base64.b64encode(text.encode()).decode()}'"


def compressed(text: str) -> str:
    """The text as a compressed data URL."""
    packed = base64.b64encode(gzip.compress(text.encode())).decode()
    return f"compression: gzip\n        source: 'data:;base64,{packed}'"


@pytest.mark.parametrize(("contents", "line"), [(data_url, 7), (compressed, 8)])
def test_data_urls(contents: Callable[[str], str], line: int) -> None:
    result = transpile((HEAD + file(f"{SYSTEM}/a.service", contents(WRONG))).encode())
    assert [(one.at.line if one.at else 0, one.rule) for one in result.findings()] == [(line, "unit-setting")]
    assert "line 2: systemd does not know Descripton=" in result.render()


@pytest.mark.parametrize("source", ["data:;base64,!", "https://example.com/a.service", "data:,%00"])
def test_contents_that_cannot_be_read_are_not_judged(source: str) -> None:
    found = findings_of(file(f"{SYSTEM}/a.service", f"source: '{source}'"))
    assert not [one for one in found if "unit" in one]


def test_local_files_are_judged_in_their_own_lines(tmp_path: Path) -> None:
    (tmp_path / "a.service").write_text(WRONG + "Environmnt=PASSWORD=hunter2\n")
    (tmp_path / "b.conf").write_text("[Service]\n# transpile: ignore=unit-setting\nUsr=x\nGrup=x\n")
    (tmp_path / "tree" / "systemd" / "system").mkdir(parents=True)
    (tmp_path / "tree" / "systemd" / "system" / "c.timer").write_text("[Timer]\n  OnCalendar=25:00\n")
    text = file(f"{SYSTEM}/a.service", "local: a.service")
    text += "  trees:\n    - local: tree\n      path: /etc\n"
    text += "systemd:\n  units:\n    - name: b.service\n      dropins:\n        - name: x.conf\n"
    text += "          contents_local: b.conf\n"
    options = TranspileOptions(name="x.bu", files_dir=tmp_path)
    result = transpile((HEAD + text).encode(), options)
    assert sorted((one.place.rpartition("/")[2], one.rule) for one in result.findings()) == [
        ("a.service:2:1", "unit-setting"),
        ("a.service:5:1", "unit-setting"),
        ("b.conf:4:1", "unit-setting"),
        ("c.timer:2:3", "calendar"),
    ]
    assert "    Environmnt=****************\n    ^\n" in result.render()
    assert "hunter2" not in result.render()


def test_a_local_file_out_of_the_files_directory_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("[Service]\nhunter2=x\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.service").symlink_to("../secret")
    result = transpile(
        (HEAD + file(f"{SYSTEM}/a.service", "local: a.service")).encode(),
        TranspileOptions(files_dir=tmp_path / "files"),
    )
    assert [one.rule for one in result.findings()] == ["outward-link"]


@pytest.mark.parametrize(
    "text",
    [
        "[x]\n" * 3000,
        "[Unit]\n" + "Descripton=x\n" * 3000,
        "[Unit]\nRequires=" + " ".join(f"abcdef{number}.service" for number in range(3000)),
        "[Service]\n" + "a=\\\n" * 3000,
        "[Service]\nExecStart=" + "systemctl " * 3000,
    ],
)
def test_a_hostile_text_has_a_limited_number_of_findings(text: str) -> None:
    assert len(inline(f"{SYSTEM}/a.service", text)) <= 2 * MOST_IN_A_TEXT


def test_a_very_large_unit_is_not_judged() -> None:
    assert inline(f"{SYSTEM}/a.service", "[Unit]\nDescripton=x\n" + "# x\n" * (1 << 16)) == []
