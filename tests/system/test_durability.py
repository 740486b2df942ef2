"""What must be on the disk before the next step is synced: seen by strace, in the order of the system calls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

pytestmark = pytest.mark.skipif(which("strace") is None, reason="strace is not installed")

PROGRAM = """
import os, sys
from provision.planning.arguments import Content
from provision.planning.file_actions import WriteFile
from provision.planning.machine_view import PartitionEntry, PartitionTable
from provision.system import shared_files
from provision.system.block.partitions import tables
from provision.system.images import unfinished_images as images
from provision.system.root import accounts, new_homes
from provision.system.root.blob_store import BlobStore
from provision.system.root.guarded_paths import GuardedTree
from provision.system.root.files_and_links import carry_out
from provision.system.root.record_file import RecordFile
from transpiler.commands.output import replace_text, write_output

root = sys.argv[1]
tree = GuardedTree(root)
def write(*names):
    actions = [WriteFile(f"/{name}", (Content(b"a"),), 0o644, os.geteuid(), os.getegid()) for name in names]
    carry_out(tree, BlobStore(tree, root + "/blobs"), actions)
def change(name):
    action = WriteFile(f"/{name}", (), 0o600, os.geteuid(), os.getegid(), keep=True)
    carry_out(tree, BlobStore(tree, root + "/blobs"), [action])
def table():
    with open(root + "/disk", "wb") as disk:
        disk.truncate(64 << 20)
    entry = PartitionEntry(1, 2048, 4096, *["DEADBEEF-0000-4000-8000-00000000000" + digit for digit in "12"])
    wanted = PartitionTable("gpt", entry.guid, 512, 34, (64 << 11) - 34, (entry,))
    tables.write(root + "/disk", wanted, size=64 << 20, erase=True)
steps = {
    "one": lambda: write("one"),
    "several": lambda: write("first", "second"),
    "shared": lambda: shared_files._replace(root + "/shared", b"a", 0o600),
    "account": lambda: accounts._replace(os.open(root, os.O_RDONLY), "passwd", b"a"),
    "record": lambda: RecordFile(root, "/record").write(0, b"a"),
    "replaced": lambda: RecordFile(root, "/replaced").replace(b"a"),
    "folders": lambda: RecordFile(root, "/var/lib/record").write(0, b"a"),
    "mode": lambda: change("one"),
    "home": lambda: new_homes.finish_home(tree, "core", []),
    "spool": lambda: new_homes.finish_mail_spool(tree, "core"),
    "image": lambda: images._sync(root + "/one"),
    "output": lambda: write_output(root + "/output", "a", ()),
    "names": lambda: replace_text(root + "/name", b"old", b"new"),
    "table": table,
}
for name, step in steps.items():
    os.access(f"step {name}", 0)
    step()
"""

FILE, FOLDER, ALL, MOVED = "file", "folder", "all", "moved"
CALL = re.compile(r"(?P<call>\w+)\((?:\d+<(?P<path>[^>]*)>|AT_FDCWD<[^>]*>)?(?P<rest>.*)")


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Step -> its calls in order.

    `file` and `folder` are syncs of a file or folder, `all` is one of a file system, `moved` gives a file its name.
    """
    folder = tmp_path_factory.mktemp("synced")
    root, log = folder / "root", folder / "log"
    root.mkdir()
    (root / "passwd").write_text("")
    (root / "name").write_text("old")
    (root / "other_name").hardlink_to(root / "name")
    for name in ("home", "etc/skel", "mail"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text(f"core:x:{os.geteuid()}:{os.getegid()}::/home:/bin/sh\n")
    (root / "etc/login.defs").write_text("MAIL_DIR /mail\n")
    (root / "etc/default").mkdir()
    (root / "etc/default/useradd").write_text("CREATE_MAIL_SPOOL=yes\n")
    (root / "etc/skel/.profile").write_text("a")
    calls = "access,faccessat,faccessat2,fsync,syncfs,rename,renameat,renameat2,linkat"
    argv = ["strace", "-f", "-y", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(log)]
    argv += [sys.executable, "-c", PROGRAM, str(root)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("strace may trace nothing here")
    assert done.returncode == 0, done.stderr[-2000:]
    return _steps(log, root)


def _steps(log: Path, root: Path) -> dict[str, list[str]]:
    steps: dict[str, list[str]] = {}
    found: list[str] = []
    for line in log.read_text().splitlines():
        match = CALL.search(line.split(maxsplit=1)[1])
        if match and (step := re.search(r'"step (\w+)"', line)):
            found = steps[step[1]] = []
        elif match and match["call"] == "syncfs":
            found.append(ALL)
        elif match and match["call"] == "fsync":
            found.append(FOLDER if match["path"] == str(root) else FILE)
        elif match and match["call"].startswith(("rename", "link")) and str(root) in line:
            found.append(MOVED)
    return steps


@pytest.mark.parametrize("step", ["one", "shared", "account", "replaced"])
def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_before_the_step_ends(
    traced: dict[str, list[str]], step: str
) -> None:
    assert traced[step] == [FILE, MOVED, FOLDER]


def test_a_copy_of_the_old_text_is_on_the_disk_before_it_is_overwritten(traced: dict[str, list[str]]) -> None:
    assert traced["names"] == [FILE, FOLDER, FILE]


def test_several_files_are_synced_together(traced: dict[str, list[str]]) -> None:
    assert traced["several"] == [ALL, MOVED, MOVED, ALL]


@pytest.mark.parametrize("step", ["home", "output"])
def test_a_file_is_on_the_disk_before_it_has_its_name(traced: dict[str, list[str]], step: str) -> None:
    assert traced[step] == [FILE, MOVED]


@pytest.mark.parametrize("step", ["mode", "spool", "image"])
def test_a_file_that_has_its_name_is_on_the_disk_when_the_step_ends(traced: dict[str, list[str]], step: str) -> None:
    assert traced[step][:1] == [FILE]


def test_a_folder_for_a_record_has_its_name_on_the_disk_before_the_next_is_made_in_it(
    traced: dict[str, list[str]],
) -> None:
    """They are `/var` and `/var/lib`; then come the record and its name."""
    assert traced["folders"] == [FOLDER, FILE, FILE, FILE]


def test_a_record_that_is_appended_to_is_on_the_disk_with_its_name(traced: dict[str, list[str]]) -> None:
    assert traced["record"] == [FILE, FOLDER]


def test_each_copy_of_a_table_is_on_the_disk_before_the_next_is_touched(traced: dict[str, list[str]]) -> None:
    """The whole is erased first; then come the backup, the table and the protective MBR."""
    assert traced["table"] == [FILE] * 4
