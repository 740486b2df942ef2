"""ext4 file systems in files, read without the kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.planning.machine_view import Account, FileType
from provision.system.images.ext_contents import ExtContents

pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("debugfs", "mkfs.ext4")), reason="there is no e2fsprogs"
)

OFFSET = 1 << 20


@pytest.fixture
def contents(tmp_path: Path) -> ExtContents:
    tree = tmp_path / "tree"
    (tree / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True)
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nweb:x:7:8::/srv:/bin/false\n")
    (tree / "etc/group").symlink_to("../lib/group")
    (tree / "lib").mkdir()
    (tree / "lib/group").write_text("web:x:8:\n")
    (tree / "etc/systemd/system/multi-user.target.wants/a.service").symlink_to("/lib/a.service")
    (tree / "long").symlink_to("x" * 100)
    os.mkfifo(tree / "fifo")
    (tree / 'odd "name\\ ').write_bytes(b"\0\xff" * 5000)
    (tree / 'odd "name\\ ').chmod(0o4751)
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(OFFSET + (8 << 20))
    argv = ["mkfs.ext4", "-q", "-F", "-E", f"offset={OFFSET},root_owner=0:0", "-d", str(tree), str(image), "8M"]
    subprocess.run(argv, check=True)
    return ExtContents(str(image), OFFSET)


def test_files_links_and_directories(contents: ExtContents) -> None:
    odd = contents.file_status('/odd "name\\ ')
    assert odd is not None
    assert (odd.kind, odd.mode, odd.size) == (FileType.FILE, 0o4751, 10000)
    assert contents.content('/odd "name\\ ') == b"\0\xff" * 5000
    for path, kind in (("/", FileType.DIRECTORY), ("/etc", FileType.DIRECTORY), ("/fifo", FileType.OTHER)):
        found = contents.file_status(path)
        assert found is not None
        assert found.kind is kind
    for path, target in (("/etc/group", "../lib/group"), ("/long", "x" * 100)):
        found = contents.file_status(path)
        assert found is not None
        assert (found.kind, found.target) == (FileType.LINK, target)


def test_what_is_not_there(contents: ExtContents) -> None:
    for path in ("/none", "/etc/none", "/etc/passwd/below", "/fifo/below"):
        assert contents.file_status(path) is None
        assert contents.content(path) is None
        assert contents.children(path) == []


def test_names_are_sorted(contents: ExtContents) -> None:
    assert contents.children("/etc") == ["group", "passwd", "systemd"]


def test_accounts(contents: ExtContents) -> None:
    assert contents.user("web") == Account("web", 7, 8, "/srv", "/bin/false")
    assert contents.user("none") is None
    assert contents.group("web") is None, "a link at the end is not followed, as on a mounted root"


def test_units_that_are_enabled(contents: ExtContents) -> None:
    assert contents.enabled("a.service")
    assert not contents.enabled("b.service")


def test_free_space(contents: ExtContents) -> None:
    found = contents.free_space("/etc")
    assert found is not None
    assert 1 << 20 < found.free < 8 << 20


def test_a_file_that_is_no_file_system_has_nothing(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes(1 << 20))
    contents = ExtContents(str(path), 0)
    assert contents.children("/") == []
    assert contents.free_space("/") is None
