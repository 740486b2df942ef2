"""`transpile explain`: a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from transpiler.commands.explain import explain

TEXT = """\
variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/motd
      contents: {local: motd}
    - path: /etc/a
systemd:
  units: !include units.bu
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.bu").write_text(TEXT)
    (tmp_path / "motd").write_text("hi\n")
    (tmp_path / "units.bu").write_text("# units\n- name: a.service\n  enabled: !var on\n")


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(["--var", "on=true", "site.bu"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "file\n"
        "  /etc/motd  0644 by default, 3 bytes  site.bu:5:7  contents.source made of contents.local\n"
        "  /etc/a     0644 by default, 0 bytes  site.bu:7:7\n"
        "unit\n"
        "  a.service  enabled  units.bu:2:3\n"
        "size: "
    )
    assert "  aws            16384  fits (1 %)\n" in shown


def test_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "storage: {files: [{path: /a, overwrite: false, user: {name: core}}], directories: [{path: /d, mode: 0700}]}\n"
    )
    (tmp_path / "a.bu").write_text(f"variant: fcos\nversion: 1.5.0\n{text}")
    assert explain(["a.bu", "storage"]) == 0
    assert capsys.readouterr().out == (
        "directory\n  /d  0700  a.bu:3:84\n    by default: group root, overwrite false, user root\n"
        "file\n  /a  0644 by default, core:root, 0 bytes  a.bu:3:19\n"
        "    by default: group root, mode 0644\n"
    )
    assert explain(["--json", "a.bu", "/a"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["entries"]
    assert file["defaults"] == {"group": "root", "mode": "0644"}


def test_names_with_control_characters_and_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'storage: {files: [{path: "/a\\e[31m"}]}\nkernel_arguments: {should_exist: [inst.rootpw=hidden]}\n'
    (tmp_path / "a.bu").write_text(f"variant: fcos\nversion: 1.5.0\n{text}")
    assert explain(["a.bu"]) == 0
    assert "  /a\\x1b[31m" in (shown := capsys.readouterr().out)
    assert "  inst.rootpw=(not shown)" in shown
    assert "hidden" not in shown


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(["--json", "--var", "on=false", "site.bu", "a.service"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["version"] == "3.4.0"
    assert shown["limits"][0] == {"platform": "virtualbox", "limit": 1024, "fits": True}
    (unit,) = shown["entries"]
    assert (unit["place"], unit["details"], unit["sugar"]) == ("units.bu:2:3", "disabled", False)


def test_a_machine_config_is_no_user_data(capsys: pytest.CaptureFixture[str]) -> None:
    labels = "{machineconfiguration.openshift.io/role: worker}"
    head = f"variant: openshift\nversion: 4.15.0\nmetadata: {{name: a, labels: {labels}}}\n"
    Path("site.bu").write_text(f"{head}storage: {{files: [{{path: /a, contents: {{inline: x}}}}]}}\n")
    assert explain(["site.bu"]) == 0
    assert "size" not in capsys.readouterr().out


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(["--var", "on=true", "site.bu", "nothing"]) == 1
    assert explain(["site.bu"]) == 2
    assert "the variable on is not defined" in capsys.readouterr().err
    assert explain(["missing.bu"]) == 2


def test_errors_are_explained_in_terms_of_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "modes.bu"
    config.write_text("variant: fcos\nversion: 1.5.0\nstorage: {directories: [{path: /a, mode: 9999}]}\n")
    assert explain([str(config)]) == 2
    assert "illegal file mode (hint: the largest mode is 07777)" in capsys.readouterr().err


def test_a_config_that_is_too_large_for_a_platform(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "motd").write_bytes(os.urandom(1024))
    assert explain(["--var", "on=true", "site.bu"]) == 0
    assert "`transpile pack --platform NAME` makes it smaller\n" in capsys.readouterr().out
