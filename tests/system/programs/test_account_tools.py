"""Tools for accounts that only the target root has, as in an initramfs: found, and run on it with its own libraries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.planning.root.account_files import GROUP, PASSWD
from provision.system.programs import processes
from provision.system.programs.account_tools import confinement, find
from provision.system.programs.account_trial import refuses

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("groupdel") is None, reason="there is no groupdel"),
]

TOOLS = ("groupadd", "groupdel")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with its own programs and libraries, on a machine that has none of the tools on PATH."""
    root = tmp_path / "root"
    programs = [path for tool in TOOLS if (path := shutil.which(tool))]
    listed = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, text=True, check=True).stdout
    for path in (*programs, *re.findall(r"(?:=> )?(/\S+) \(", listed)):
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, root / path.lstrip("/"))
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("old:x:7:8::/:/bin/sh\n")
    (root / "etc/group").write_text("own:x:8:\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    return root


@pytest.fixture
def listed(tmp_path: Path) -> str:
    """The list of an initramfs."""
    path = tmp_path / "list"
    path.write_text("groupadd\nuseradd\n")
    return str(path)


def test_a_tool_of_the_root_changes_its_accounts(root: Path, listed: str) -> None:
    assert find("groupadd", str(root), foreign=False, listed=listed) == f"{root}/usr/sbin/groupadd"
    make_a_group(root, listed)


def make_a_group(root: Path, listed: str) -> None:
    confined = confinement("groupadd", str(root), str(root), foreign=False, listed=listed)
    done = processes.run(["groupadd", "--root", str(root), "--gid", "1234", "new"], confinement=confined)
    assert (done.status, done.output) == (0, "")
    assert (root / "etc/group").read_text() == "own:x:8:\nnew:x:1234:\n"


def test_a_tool_that_absolute_links_of_the_root_lead_to(root: Path, listed: str) -> None:
    """The root has merged directories, and its tools are alternatives."""
    (root / "etc/alternatives").mkdir()
    (root / "usr/libexec/shadow").mkdir(parents=True)
    (root / "usr/sbin/groupadd").rename(root / "usr/libexec/shadow/groupadd")
    (root / "etc/alternatives/groupadd").symlink_to("/usr/libexec/shadow/groupadd")
    (root / "usr/sbin").rename(root / "usr/bin")
    (root / "usr/bin/groupadd").symlink_to("/etc/alternatives/groupadd")
    (root / "usr/sbin").symlink_to("/usr/bin")
    assert find("groupadd", str(root), foreign=False, listed=listed) == f"{root}/usr/libexec/shadow/groupadd"
    make_a_group(root, listed)


def test_a_tool_that_cannot_be_started_is_refused_though_it_is_listed(root: Path, listed: str) -> None:
    (root / "usr/sbin/groupadd").chmod(0o644)
    for look in (
        lambda: find("groupadd", str(root), foreign=False, listed=listed),
        lambda: confinement("groupadd", str(root), str(root), foreign=False, listed=listed),
    ):
        with pytest.raises(OSError, match="is not an executable file: '/usr/sbin/groupadd'"):
            look()


def test_a_passwd_that_an_absolute_link_leads_to_counts_as_a_root(root: Path, listed: str) -> None:
    (root / "etc").rename(root / "usr/etc")
    (root / "etc").symlink_to("/usr/etc")
    (root / "usr/sbin/groupadd").unlink()
    assert find("groupadd", str(root), foreign=False, listed=listed) is None


def test_a_tool_of_the_root_says_whether_it_refuses(root: Path, listed: str) -> None:
    files = {PASSWD: b"old:x:7:8::/srv/old:/bin/sh\n", GROUP: b"own:x:8:\nfree:x:9:\n"}
    tried = {
        name: refuses(("groupdel", name), files, None, str(root), foreign=False, listed=listed)
        for name in ("own", "free")
    }
    assert tried == {"own": True, "free": False}
    assert (root / "etc/group").read_text() == "own:x:8:\n"


@pytest.mark.parametrize("foreign", [True, False])
def test_programs_of_a_foreign_root_are_never_run_nor_those_of_any_root_without_an_initramfs(
    root: Path, listed: str, foreign: bool
) -> None:
    here = listed if foreign else f"{listed}-absent"
    assert find("groupadd", str(root), foreign=foreign, listed=here) is None
    confined = confinement("groupadd", str(root), str(root), foreign=foreign, listed=here)
    with pytest.raises(FileNotFoundError):
        processes.run(["groupadd", "--root", str(root), "new"], confinement=confined)


def test_a_root_without_the_tool_counts_more_than_the_list(root: Path, listed: str) -> None:
    assert find("useradd", str(root), foreign=False, listed=listed) is None


def test_while_the_root_is_not_mounted_the_list_counts(root: Path, tmp_path: Path) -> None:
    assert root.is_dir()  # here for PATH
    listed, sysroot = tmp_path / "list", tmp_path / "sysroot"
    listed.write_text("groupadd\n")
    sysroot.mkdir()
    for tool, path in (("groupadd", f"{sysroot}/usr/sbin/groupadd"), ("useradd", None), ("mkfs.ext4", None)):
        assert find(tool, str(sysroot), foreign=False, listed=str(listed)) == path
    assert find("groupadd", str(sysroot), foreign=False, listed=str(tmp_path / "absent")) is None


def test_a_tool_on_path_comes_first(tmp_path: Path) -> None:
    assert find("groupadd", str(tmp_path), foreign=False) == shutil.which("groupadd")
    assert confinement("groupadd", str(tmp_path), str(tmp_path), foreign=False) is None
