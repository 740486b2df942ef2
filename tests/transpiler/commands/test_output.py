"""Output files."""

from __future__ import annotations

import errno
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transpiler.test_cli import run
from transpiler.commands.output import OutputFailed, replace_text, write_output


def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("before")
    old.chmod(0o640)
    before = old.stat().st_ino
    for path in (new, old):
        write_output(str(path), "after", ())
        assert path.read_text() == "after"
    assert [path.stat().st_mode & 0o777 for path in (new, old)] == [0o600, 0o640]
    assert old.stat().st_ino != before, "it is replaced in one step"
    assert sorted(os.listdir(tmp_path)) == ["new", "old"]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_output(str(tmp_path / "link"), "a", ())
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "a"


def test_a_device_and_a_descriptor_are_written_directly(tmp_path: Path) -> None:
    write_output("/dev/null", "a", ())
    with (tmp_path / "file").open("w+") as file:
        write_output(f"/dev/fd/{file.fileno()}", "a", ())
        assert file.read() == "a"
    assert sorted(os.listdir(tmp_path)) == ["file"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing/file", "failed to open missing/file: open missing/file: no such file or directory"),
        (".", "failed to open .: open .: is a directory"),
        ("/dev/full", "failed to write /dev/full: write /dev/full: no space left on device"),
    ],
)
def test_what_failed_is_reported(path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputFailed) as raised:
        write_output(path, "a", ())
    assert str(raised.value) == message


def test_hard_links_stay_together(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("a longer text")
    second.hardlink_to(first)
    for path in (first, second):  # the second one has the new text already
        replace_text(str(path), b"a longer text", b"new")
    assert first.samefile(second)
    assert second.read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "first"
    path.write_text("old")
    (tmp_path / "second").hardlink_to(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OutputFailed, match="file too large"):
            replace_text(str(path), b"old", b"new" * 9000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]


ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def access_list(user: int) -> bytes:
    """An access control list that lets one user more read a file. Source: linux/posix_acl_xattr.h."""
    entries = ((1, 6, 0xFFFFFFFF), (2, 4, user), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)


def test_attributes_and_access_lists_stay(tmp_path: Path) -> None:
    listed, plain = tmp_path / "listed", tmp_path / "plain"
    for path in (listed, plain):
        path.write_text("old")
        path.chmod(0o640)
    try:
        os.setxattr(tmp_path, DEFAULT, access_list(12345))
        os.setxattr(listed, ACCESS, access_list(54321))
        os.setxattr(listed, "user.origin", b"here")
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            pytest.skip("the file system has no access control lists")
        raise
    for path in (listed, plain):
        replace_text(str(path), b"old", b"new")
        assert path.stat().st_mode & 0o777 == 0o640
    assert os.getxattr(listed, ACCESS) == access_list(54321)
    assert os.getxattr(listed, "user.origin") == b"here"
    assert os.listxattr(plain) == []


def test_a_text_that_changed_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("third")
    with pytest.raises(OutputFailed, match="the file changed meanwhile"):
        replace_text(str(path), b"old", b"new")
    assert path.read_text() == "third"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A config with two parts, a local file and a tree; `hard` and `soft` are links to it."""
    config = (
        "storage: {files: [{path: /a, contents: {local: motd}}], trees: [{local: tree}]}\nsystemd: !include units\n"
    )
    (tmp_path / "base").write_text("variant: fcos\nversion: 1.5.0\n")
    (tmp_path / "site.bu").write_text(f"variant: fcos\nversion: 1.5.0\nextends: [base]\n{config}")
    (tmp_path / "units").write_text("units: []\n")
    (tmp_path / "motd").write_text("hello\n")
    (tmp_path / "tree" / "etc").mkdir(parents=True)
    (tmp_path / "tree" / "etc" / "issue").write_text("hello\n")
    (tmp_path / "other").symlink_to("tree/etc/issue")
    (tmp_path / "hard").hardlink_to(tmp_path / "site.bu")
    (tmp_path / "soft").symlink_to("site.bu")
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {str(one.relative_to(folder)): one.read_text() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize(
    "output", ["site.bu", "./tree/../site.bu", "hard", "soft", "base", "units", "motd", "tree/etc/issue", "other"]
)
def test_no_source_is_replaced(site: Path, output: str) -> None:
    before = texts(site)
    done = run("-d.", "-o", output, "site.bu", cwd=site)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{output}: error: not written: the output is made from this file" in done.stderr
    assert "(hint: write to another file)" in done.stderr
    assert texts(site) == before
    assert (site / "soft").is_symlink()


@pytest.mark.parametrize("output", ["tree/new", "tree/etc/new", "./tree/../tree/new"])
def test_nothing_is_added_to_a_tree(site: Path, output: str) -> None:
    before = texts(site)
    done = run("-d.", "-o", output, "site.bu", cwd=site)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{output}: error: not written: the output is made from all files in this directory (tree)" in done.stderr
    assert texts(site) == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("transpile", ["--plain", "-d.", "-o", "motd", "site.bu"]),
        ("transpile", ["--vars-file", "values", "-d.", "-o", "values", "site.bu"]),
        ("transpile", ["-d.", "-o", "base", "base", "site.bu"]),
        ("transpile", ["pack", "--limit", "9K", "-o", "motd", "site.bu"]),
        ("transpile", ["pack", "--limit", "9K", "-o", "hard", "site.bu"]),
        ("transpile", ["convert", "-o", "./old.ign", "old.ign"]),
        ("transpile", ["convert", "-d.", "-o", "motd", "ct"]),
        ("transpile", ["check", "-o", "hard", "site.bu"]),
        ("transpile", ["check", "-o", "motd", "site.bu"]),
        ("transpile", ["check", "--diff", "-o", "units", "site.bu"]),
        ("butane", ["-d.", "-o", "base", "base"]),
        ("ct", ["-files-dir=.", "-in-file", "ct", "-out-file", "motd"]),
    ],
)
def test_no_command_replaces_its_source(site: Path, name: str, arguments: list[str]) -> None:
    (site / "values").write_text("a: b\n")
    (site / "old.ign").write_text('{"ignition": {"version": "2.2.0"}}')
    (site / "ct").write_text("storage: {files: [{filesystem: root, path: /a, contents: {local: motd}}]}\n")
    before = texts(site)
    done = run(*arguments, cwd=site, name=name)
    assert done.returncode == 1
    assert "not written: the output is made from this file" in done.stderr
    assert texts(site) == before


def test_standard_input_is_a_source(site: Path) -> None:
    before = (site / "base").read_text()
    command = f"'{sys.executable}' -m transpiler -o base < base"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, shell=True, cwd=site, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "base: error: not written: the output is made from this file (hint: write to another file)" in done.stderr
    assert (site / "base").read_text() == before
