"""The search for configs."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.transpiler.test_cli import GOOD
from transpiler.commands.find_configs import find_configs, is_config


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with configs, files that only look like configs, files of editors, and loops of links."""
    for name in ("a.bu", "deep/b.butane", "deep/deeper/c.bu", "vendor/d.bu", ".hidden/e.bu", "node_modules/f.bu"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(GOOD)
    (tmp_path / "deep" / "site.yaml").write_text(GOOD)
    (tmp_path / "deep" / "theme.yaml").write_text("variant: dark\nversion: 1\n")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    os.mkfifo(tmp_path / "pipe.bu")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.bu"))
    (tmp_path / "null.bu").symlink_to("/dev/zero")
    (tmp_path / ".transpile-left").write_text(GOOD)
    (tmp_path / "deep/.#b.butane").symlink_to("somebody@somewhere")
    monkeypatch.chdir(tmp_path)
    return tmp_path


ALL = ["a.bu", "vendor/d.bu", "deep/b.butane", "deep/site.yaml", "deep/deeper/c.bu"]


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["."], ALL),
        (["**"], ALL),
        (["**/*.bu"], ["a.bu", "deep/deeper/c.bu", "vendor/d.bu"]),
        (["./**/deeper/*"], ["deep/deeper/c.bu"]),
        (["*"], ["a.bu"]),
        (["deep/loop/*.bu"], ["deep/loop/a.bu"]),
        (["*/*.y?ml"], ["deep/site.yaml"]),
        ([".hidden/*"], [".hidden/e.bu"]),
        (["deep/theme.yaml", "pipe.bu"], ["deep/theme.yaml", "pipe.bu"]),
        (["a.bu", "./a.bu", "deep/loop/a.bu", "*.bu"], ["a.bu"]),
    ],
)
def test_configs_found_by_path_directory_and_glob(paths: list[str], found: list[str], tree: Path) -> None:
    assert tree.is_dir()
    assert sorted(find_configs(paths)[0]) == sorted(found)


def test_a_search_stays_in_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("repository/configs", "outside", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("repository/shared.bu", "outside/theirs.bu", "repository/configs/own.bu"):
        (tmp_path / file).write_text(GOOD)
    (tmp_path / "repository/configs/shared.bu").symlink_to("../shared.bu")
    (tmp_path / "repository/configs/theirs.bu").symlink_to("../../outside/theirs.bu")
    (tmp_path / "repository/configs/process.bu").symlink_to("/proc/self/environ")
    inside = ["configs/own.bu", "configs/shared.bu"]
    monkeypatch.chdir(tmp_path / "repository")
    assert find_configs(["configs"])[0] == find_configs(["configs/*"])[0] == inside
    assert find_configs(["configs/theirs.bu"])[0] == ["configs/theirs.bu"], "what is named itself is taken"
    monkeypatch.chdir(tmp_path / "elsewhere")
    for path in ("../repository", "../repository/**"):
        assert {os.path.basename(name) for name in find_configs([path])[0]} == {"own.bu", "shared.bu"}


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["vendor"], ["a.bu", "deep/b.butane", "deep/deeper/c.bu", "deep/site.yaml"]),
        (["*.bu"], ["deep/b.butane", "deep/site.yaml"]),
        (["deep/*.yaml", "deep/deeper/"], ["a.bu", "deep/b.butane", "vendor/d.bu"]),
        (["deep/**/c.bu", "**/*.butane", "vendor/**"], ["a.bu", "deep/site.yaml"]),
        (["deep/c.bu", "nothing"], sorted(ALL)),
    ],
)
def test_excluded_files(exclude: list[str], left: list[str], tree: Path) -> None:
    assert tree.is_dir()
    found, left_out = find_configs(["."], exclude)
    assert sorted(found) == left
    assert left_out == len(ALL) - len(left)
    assert find_configs(["a.bu"], ["a.*"]) == ([], 1)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("variant: fcos\n", True),
        ("# a comment\n---\nversion: 1.5.0\nvariant: 'flatcar' # x\n", True),
        ("{variant: fcos, version: 1.5.0}", True),
        ('{"variant": "fcos", "version": "1.5.0"}', True),
        ("variant: openshift\r\n", True),
        ("variant: dark\n", False),
        ("  variant: fcos\n", False),
        ("variant: fcosy\n", False),
        ("# variant: fcos\n", False),
    ],
)
def test_a_file_with_a_known_variant_is_a_config(text: str, meant: bool, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text, newline="")
    assert is_config(str(tmp_path / "x.yaml")) == meant


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(1 << 40)
    assert not is_config(str(tmp_path / "x.yaml"))


def test_container_linux_configs_are_found_by_their_sections(tmp_path: Path) -> None:
    (tmp_path / "machine.yml").write_text("update:\n  group: stable\n")
    (tmp_path / "docker.yml").write_text("docker:\n  image: a\n")
    (tmp_path / "machine.txt").write_text("update:\n  group: stable\n")
    assert find_configs([str(tmp_path)])[0] == [str(tmp_path / "machine.yml")]
