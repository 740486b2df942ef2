from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.model import Secret
from provision.planning.machine_view import Account
from provision.system.root.accounts import group, set_password, user, with_password
from provision.system.root.guarded_paths import GuardedTree

HASH = Secret("$y$j9T$salt$hash/.")
SHADOW = b"root:*:19000:0:99999:7:::\ncore:!:19001:0:99999:7:::\ncorelli:x:1::::::\n"


@pytest.fixture
def tree(tmp_path: Path) -> GuardedTree:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/bash\ncore:x:1000:1001:a,b:/home/core:/bin/sh\nbad\nodd:x:\u00b2:1::/:\nlong:x:"
        + "9" * 5000
        + ":1::/:\n"
    )
    (tmp_path / "etc/group").write_text("root:x:0:\nwheel:x:10:core,root\n")
    (tmp_path / "etc/shadow").write_bytes(SHADOW)
    (tmp_path / "etc/shadow").chmod(0o640)
    return GuardedTree(str(tmp_path))


def test_accounts_of_the_tree(tree: GuardedTree) -> None:
    assert user(tree, "core") == Account("core", 1000, 1001, "/home/core", "/bin/sh")
    assert group(tree, "wheel") == Account("wheel", 10)
    assert user(tree, "bad") is None
    assert user(tree, "odd") is None
    assert user(tree, "long") is None
    assert user(tree, "cor") is None
    assert group(tree, "core") is None


def test_only_field_two_changes(tree: GuardedTree) -> None:
    set_password(tree, "shadow", "core", HASH)
    path = Path(tree.root) / "etc/shadow"
    assert path.read_bytes() == SHADOW.replace(b"core:!", b"core:" + HASH.reveal().encode())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(os.listdir(path.parent)) == [".pwd.lock", "group", "passwd", "shadow"]


def test_attributes_stay(tree: GuardedTree) -> None:
    """A security label is an extended attribute too."""
    shadow = f"{tree.root}/etc/shadow"
    os.setxattr(shadow, "user.label", b"here")
    set_password(tree, "shadow", "root", Secret("$6$x"))
    assert os.getxattr(shadow, "user.label") == b"here"


def test_it_waits_for_the_lock_of_the_shadow_tools(tree: GuardedTree) -> None:
    lock = os.open(f"{tree.root}/etc/.pwd.lock", os.O_RDWR | os.O_CREAT, 0o600)
    child = os.fork()
    if child == 0:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        threading.Event().wait(0.3)
        os._exit(0)
    threading.Event().wait(0.1)
    set_password(tree, "shadow", "core", HASH)
    assert os.waitpid(child, os.WNOHANG)[0] == child


@pytest.mark.parametrize(("database", "name"), [("shadow", "nobody"), ("gshadow", "core")])
def test_no_line_is_an_error_that_shows_no_hash(tree: GuardedTree, database: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} has no line in /etc/") as failed:
        set_password(tree, database, name, HASH)
    assert HASH.reveal() not in str(failed.value)


@pytest.mark.parametrize("wrong", ["a:b", "a\nroot::0", "a\0"])
def test_a_hash_cannot_break_the_file(tree: GuardedTree, wrong: str) -> None:
    with pytest.raises(ValueError, match="colon") as failed:
        set_password(tree, "shadow", "core", Secret(wrong))
    assert wrong not in str(failed.value)
    assert (Path(tree.root) / "etc/shadow").read_bytes() == SHADOW


def test_a_link_in_place_of_shadow_is_not_followed(tree: GuardedTree, tmp_path: Path) -> None:
    shadow = Path(tree.root) / "etc/shadow"
    shadow.rename(tmp_path / "elsewhere")
    shadow.symlink_to("../elsewhere")
    with pytest.raises(OSError, match="is not a regular file"):
        set_password(tree, "shadow", "core", HASH)
    assert (tmp_path / "elsewhere").read_bytes() == SHADOW


@pytest.mark.parametrize("name", ["shadow", "passwd"])
def test_a_huge_account_file_is_refused(tree: GuardedTree, name: str) -> None:
    path = Path(tree.root) / "etc" / name
    path.touch()
    os.truncate(path, (16 << 20) + 1)
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    use: dict[str, Callable[[], object]] = {
        "shadow": lambda: set_password(tree, name, "core", HASH),
        "passwd": lambda: user(tree, "core"),
    }
    with pytest.raises(OSError, match=f"larger than 16 MiB.*{name}"):
        use[name]()
    after = {one.name: one.read_bytes() for one in path.parent.iterdir() if one.name != ".pwd.lock"}
    assert after == before


@pytest.mark.parametrize("kind", ["fifo", "directory", "device"])
def test_what_is_no_file_is_never_opened(tree: GuardedTree, kind: str) -> None:
    path = Path(tree.root) / "etc/passwd"
    path.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif os.geteuid() == 0:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero: reading it would never end
    else:
        pytest.skip("needs root")
    with pytest.raises(OSError, match="is not a regular file"):
        user(tree, "core")


LINES = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=6)


@given(LINES, LINES, st.binary(max_size=8).map(lambda rest: rest.replace(b"\n", b"")))
def test_every_other_byte_stays(before: list[bytes], after: list[bytes], rest: bytes) -> None:
    before = [line for line in before if not line.startswith(b"core:")]
    content = b"\n".join([*before, b"core:old:" + rest, *after])
    assert with_password(content, b"core", b"new") == b"\n".join([*before, b"core:new:" + rest, *after])


PASSWD = "root:x:0:0::/root:/bin/sh\n{}:1000:1000::/home/core:/bin/sh\n"
GROUP = "root:x:0:\n{}:1000:root,core\n"
FILES = {"shadow": "root:*:::::::\n", "gshadow": "root:*::\n"}
DEFINITIONS = "PASS_MAX_DAYS 99\n# PASS_MIN_DAYS 1\nPASS_WARN_AGE\t-1\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="usermod and groupmod want to be root")
@pytest.mark.skipif(shutil.which("usermod") is None, reason="usermod is not installed")
@pytest.mark.parametrize("lacking", ["", "shadow", "gshadow"])
@pytest.mark.parametrize("said", ["x", "*", "", "old"])
def test_without_a_line_the_hash_is_where_usermod_puts_it(tmp_path: Path, said: str, lacking: str) -> None:
    ours, theirs = tmp_path / "ours/etc", tmp_path / "theirs/etc"
    for etc in (ours, theirs):
        etc.mkdir(parents=True)
        lines = {"passwd": PASSWD.format(f"core:{said}"), "group": GROUP.format(f"core:{said}")}
        for name, text in {**lines, **FILES, "login.defs": DEFINITIONS}.items():
            if name != lacking:
                (etc / name).write_text(text)
    tree = GuardedTree(str(ours.parent))
    for database, tool in (("shadow", "usermod"), ("gshadow", "groupmod")):
        set_password(tree, database, "core", HASH)
        argv = [tool, "--root", str(theirs.parent), "--password", HASH.reveal(), "core"]
        subprocess.run(argv, check=True, capture_output=True)
    for name in ("passwd", "group", "shadow", "gshadow"):
        assert name == lacking or (ours / name).read_text() == (theirs / name).read_text()
        assert (ours / name).exists() == (theirs / name).exists()


def test_a_file_of_somebody_is_not_taken_for_our_own(tree: GuardedTree) -> None:
    (Path(tree.root) / "etc/.shadow.provision").write_text("somebody's")
    set_password(tree, "shadow", "core", HASH)
    assert (Path(tree.root) / "etc/.shadow.provision").read_text() == "somebody's"
