"""What `provision try` refuses, before it makes anything."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from provision.cli import command_line, run
from provision.commands.trial.command import kernel_arguments
from provision.config.json_text.decode import decode


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "site.ign"
    path.write_text('{"ignition": {"version": "3.4.0"}}')
    return str(path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    return run(["provision", "try", *arguments]), capsys.readouterr().err


def test_missing_programs_are_named_with_their_packages(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code, told = refused(capsys, config, "--ssh")
    assert code == 1
    assert "qemu-system-x86_64, qemu-img, setpriv, ssh-keygen, mmdebstrap, mkfs.ext4, tar, unshare are not on" in told
    assert "hint: apt-get install qemu-system-x86 qemu-utils util-linux openssh-client mmdebstrap e2fsprogs tar" in told
    _, told = refused(capsys, config, "--base", "x")
    assert "qemu-system-x86_64, qemu-img, setpriv are not on PATH" in told


def test_a_root_that_nothing_fills_is_refused_before_the_machine_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("qemu-system-x86_64", "qemu-img", "setpriv", "mmdebstrap", "mkfs.ext4", "tar", "unshare"):
        (programs / name).touch(0o755)
    monkeypatch.setenv("PATH", str(programs))
    path = tmp_path / "site.bu"
    system = "{device: /dev/vda1, path: /, format: ext4}"
    path.write_text(f"variant: fcos\nversion: 1.5.0\nstorage: {{filesystems: [{system}]}}\n")
    code, told = refused(capsys, str(path))
    assert code == 1
    assert f"{path}: storage.filesystems[0].path: the config makes a file system at /" in told
    assert "hint: make it on /dev/disk/by-label/root, give an image of your system with --base" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--base", "x", "--suite", "trixie"), "--base excludes"),
        (("--uefi",), "--uefi needs --base"),
        (("--ssh", "--check"), "--ssh excludes --check"),
        (("--memory", "3"), "--memory"),
        (("--disk-size", "10 x"), "10 x is no size"),
        (("--package", "a,b --hook"), "is no name of a Debian package"),
        (("--suite", "-x"), "expected one argument"),
        (("--suite", "../x"), "is no name of a Debian release"),
    ],
)
def test_wrong_use(options: tuple[str, ...], told: str, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code, text = refused(capsys, config, *options)
    except SystemExit as left:
        code, text = int(left.code or 0), capsys.readouterr().err
    assert code == 2
    assert told in text


def test_errors_are_shown_with_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.bu"
    path.write_text("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: etc}]}\n")
    code, told = refused(capsys, str(path))
    assert code == 1
    assert "site.bu:3:26: error: storage.files[0].path" in told


def test_an_old_config_has_to_be_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.ign"
    path.write_text('{"ignition": {"version": "2.3.0"}}')
    code, told = refused(capsys, str(path))
    assert code == 1
    assert f"hint: convert it: transpile convert {path} > new.ign" in told


def test_the_kernel_gets_the_arguments_of_the_config() -> None:
    wanted = {"shouldExist": ["nosmt"], "shouldNotExist": ["rw"]}
    config = decode(json.dumps({"ignition": {"version": "3.4.0"}, "kernelArguments": wanted}).encode())
    arguments: argparse.Namespace = command_line(["try"]).parse_args(["try", "x", "--check", "--argument", "debug"])
    words = kernel_arguments(arguments, config, kvm=False)
    assert "rw" not in words
    assert words[-2:] == ["nosmt", "debug"]
    assert "provision.on_failure=poweroff" in words
    assert {*words} - {*kernel_arguments(arguments, config, kvm=True)} == {"systemd.default_device_timeout_sec=900"}
