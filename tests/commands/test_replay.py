"""`provision capture` and `provision replay`: the plan of a machine, made again by a user who is not root."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path

import pytest

from provision.cli import run
from tests.target_root import new_root

SITE = """\
variant: fcos
version: 1.5.0
storage:
  files:
  - {path: /etc/hostname, contents: {inline: new}}
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    root = new_root(tmp_path / "root", {"etc/hostname": "old\n"})
    path = tmp_path / "site.bu"
    path.write_text(
        "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n  - {path: /etc/hostname, contents: {inline: new}}\n"
    )
    made = tmp_path / "bundle"
    assert run(["provision", "capture", str(path), "--root", str(root), "-o", str(made)]) == 0
    return made


def test_a_bundle_is_private(bundle: Path) -> None:
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    assert {one.name for one in bundle.parent.iterdir()} == {"root", "site.bu", "bundle"}


def test_the_refusal_has_the_same_text(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "storage.files[0]: A regular file exists there already and overwrite is false: /etc/hostname"
    capsys.readouterr()
    assert run(["provision", "replay", str(bundle)]) == 1
    assert f"provision: error: {text}\n" in capsys.readouterr().err


def test_with_the_config_the_refusal_has_its_place(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "replay", str(bundle), "--config", str(bundle.with_name("site.bu"))]) == 1
    told = capsys.readouterr().err
    assert "site.bu:5:5: error: storage.files[0]: A regular file exists there already" in told
    assert "warning" not in told


def test_another_config_is_warned_about(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = bundle.with_name("other.ign")
    other.write_text('{"ignition": {"version": "3.4.0"}}')
    run(["provision", "replay", str(bundle), "--config", str(other)])
    assert "warning: the config of the bundle is another one" in capsys.readouterr().err


def test_a_run_that_failed_for_another_reason_says_which(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(gzip.decompress(bundle.read_bytes()))
    data |= {"reasons": ["mkfs failed\x1b[31m"], "stages": ["umount"], "log": ["one", "two\x1b[0m"]}
    bundle.write_bytes(gzip.compress(json.dumps(data).encode()))
    assert run(["provision", "replay", str(bundle)]) == 1
    told = capsys.readouterr().err
    assert "that run failed for another reason:\nmkfs failed\ufffd[31m" in told
    assert run(["provision", "replay", str(bundle), "--log"]) == 0
    assert capsys.readouterr().out == "one\ntwo\ufffd[0m\n"
