"""Files that are only parts of configs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from transpiler.commands.fragments import whole_config, with_whole_configs

HEAD = "variant: fcos\nversion: 1.5.0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_parts_are_checked_through_the_configs_that_have_them(folder: Path) -> None:
    (folder / "users.bu").write_text("- name: core\n")
    (folder / "middle.bu").write_text("users: !include users.bu\n")
    (folder / "site.bu").write_text(HEAD + "passwd: !include middle.bu\n")
    (folder / "base.bu").write_text(HEAD)
    (folder / "rack.bu").write_text("extends: [base.bu, part.bu]\n")
    (folder / "part.bu").write_text("systemd: {}\n")
    (folder / "alone.bu").write_text("systemd: {}\n")
    assert with_whole_configs(["users.bu"], None) == ["site.bu"]
    assert with_whole_configs(["users.bu"], None, ["site.bu", "middle.bu"]) == ["users.bu"]
    assert with_whole_configs(["alone.bu", "part.bu", "site.bu", "middle.bu"], None) == [
        "alone.bu",
        "rack.bu",
        "site.bu",
    ]
    assert with_whole_configs(["base.bu"], None) == ["base.bu"]


def test_parts_of_each_other_stay(folder: Path) -> None:
    (folder / "a.bu").write_text("x: !include b.bu\n")
    (folder / "b.bu").write_text("x: !include a.bu\n")
    assert with_whole_configs(["a.bu", "b.bu"], None) == ["a.bu", "b.bu"]


def test_what_cannot_be_read_stays(folder: Path) -> None:
    os.mkfifo(folder / "pipe.bu")
    (folder / "broken.bu").write_text("!include [\n")
    (folder / "up.bu").write_text("x: !include ../up.bu\n")
    names = ["pipe.bu", "broken.bu", "up.bu", "none.bu"]
    assert with_whole_configs(names, None) == names


def test_the_config_of_a_part_is_above_it_or_below_the_files_directory(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "site/parts").mkdir(parents=True)
    (folder / "configs").mkdir()
    part, config = folder / "site/parts/units.yaml", folder / "site/site.bu"
    part.write_text("- name: a.service\n")
    (folder / "other.bu").write_text(HEAD)
    config.write_text(HEAD + "systemd: {units: !include parts/units.yaml}\n")
    assert whole_config(str(part), "") == str(config)
    assert whole_config(str(config), "") == ""
    config.rename(folder / "configs/site.bu")
    assert whole_config(str(part), "") == ""
    assert whole_config(str(part), str(folder / "site")) == ""
    (folder / "configs/site.bu").write_text(HEAD + "systemd: {units: !include site/parts/units.yaml}\n")
    assert whole_config(str(part), str(folder)) == str(folder / "configs/site.bu")
