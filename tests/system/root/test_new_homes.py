"""The trees here are what useradd left behind when one of its system calls failed, and it reported success."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from provision.planning.machine_view import Account
from provision.system.root.guarded_paths import GuardedTree
from provision.system.root.new_homes import finish_home, finish_mail_spool, hand_over_mail_spool

UID, GID = os.getuid(), os.getgid()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("etc/default", "etc/skel/.config/deep", "home/core", "var/mail"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text(f"core:x:{UID}:{GID}::/home/core:/bin/sh\n")
    (tmp_path / "etc/group").write_text("")
    (tmp_path / "etc/login.defs").write_text("MAIL_DIR /var/mail\nHOME_MODE 0750\n")
    (tmp_path / "etc/default/useradd").write_text("CREATE_MAIL_SPOOL=yes\n")
    (tmp_path / "etc/skel/.profile").write_text("profile\n")
    (tmp_path / "etc/skel/.config/deep/file").write_text("deep\n")
    (tmp_path / "etc/skel/.config").chmod(0o750)
    (tmp_path / "etc/skel/.login").symlink_to("/etc/skel/.profile")
    return tmp_path


def empty_home(_home: Path) -> None:
    pass


def home_without_a_mode(home: Path) -> None:
    home.chmod(0)


def home_with_the_mode_of_the_folders_above(home: Path) -> None:
    home.chmod(0o755)


def empty_file(home: Path) -> None:
    (home / ".profile").touch(0o600)


def half_a_file(home: Path) -> None:
    (home / ".profile").write_text("prof")


def other_content_of_the_same_size(home: Path) -> None:
    (home / ".profile").write_bytes(bytes(8))


def directory_with_another_mode(home: Path) -> None:
    (home / ".config").mkdir(0o700)


def link_to_elsewhere(home: Path) -> None:
    (home / ".login").symlink_to("elsewhere")


@pytest.mark.parametrize(
    "leave",
    [
        empty_home,
        home_without_a_mode,
        home_with_the_mode_of_the_folders_above,
        empty_file,
        half_a_file,
        other_content_of_the_same_size,
        directory_with_another_mode,
        link_to_elsewhere,
    ],
)
def test_a_half_made_home_is_completed(root: Path, leave: Callable[[Path], None]) -> None:
    home = root / "home/core"
    home.chmod(0o750)
    leave(home)
    finish_home(GuardedTree(str(root)), "core", ["/home/core"])
    assert (home / ".profile").read_text() == "profile\n"
    assert (home / ".config/deep/file").read_text() == "deep\n"
    assert os.readlink(home / ".login") == "/home/core/.profile"
    assert stat.S_IMODE(home.stat().st_mode) == 0o750
    assert stat.S_IMODE((home / ".config").stat().st_mode) == 0o750
    assert (home / ".profile").stat().st_mtime_ns == (root / "etc/skel/.profile").stat().st_mtime_ns
    assert sorted(os.listdir(home)) == [".config", ".login", ".profile"]


def test_a_whole_home_is_not_written_again(root: Path) -> None:
    finish_home(GuardedTree(str(root)), "core", ["/home/core"])
    before = (root / "home/core/.profile").stat().st_ino
    finish_home(GuardedTree(str(root)), "core", ["/home/core"])
    assert (root / "home/core/.profile").stat().st_ino == before


def test_only_new_parents_without_a_mode_get_one(root: Path) -> None:
    (root / "etc/passwd").write_text(f"core:x:{UID}:{GID}::/srv/a/core:/bin/sh\n")
    (root / "srv/a/core").mkdir(parents=True)
    (root / "srv/a").chmod(0)
    finish_home(GuardedTree(str(root)), "core", [])
    assert stat.S_IMODE((root / "srv/a").stat().st_mode) == 0
    finish_home(GuardedTree(str(root)), "core", ["/srv/a", "/srv/a/core"])
    assert stat.S_IMODE((root / "srv/a").stat().st_mode) == 0o755


def test_hooks_may_have_changed_the_home(root: Path) -> None:
    (root / "etc/shadow-maint/useradd-post.d").mkdir(parents=True)
    (root / "etc/shadow-maint/useradd-post.d/own-profile").touch()
    finish_home(GuardedTree(str(root)), "core", ["/home/core"])
    assert os.listdir(root / "home/core") == []


def test_a_skeleton_without_end_is_refused(root: Path) -> None:
    (root / "etc/skel" / "/".join(["d"] * 70)).mkdir(parents=True)
    with pytest.raises(OSError, match="nested deeper than 64"):
        finish_home(GuardedTree(str(root)), "core", ["/home/core"])


def test_no_link_leads_the_copy_out_of_the_home(root: Path) -> None:
    outside = root / "outside"
    outside.mkdir()
    (root / "home/core/.config").symlink_to(outside)
    with pytest.raises(NotADirectoryError):
        finish_home(GuardedTree(str(root)), "core", ["/home/core"])
    assert os.listdir(outside) == []


@pytest.mark.parametrize("mode", [None, 0])
def test_a_half_made_mail_spool_is_completed(root: Path, mode: int | None) -> None:
    spool = root / "var/mail/core"
    if mode is not None:
        spool.touch(mode)
    finish_mail_spool(GuardedTree(str(root)), "core")
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600
    (root / "etc/group").write_text(f"mail:x:{GID}:\n")
    spool.unlink()
    finish_mail_spool(GuardedTree(str(root)), "core")
    assert stat.S_IMODE(spool.stat().st_mode) == 0o660


def test_a_mail_spool_with_mail_stays(root: Path) -> None:
    spool = root / "var/mail/core"
    spool.write_text("mail")
    spool.chmod(0o640)
    finish_mail_spool(GuardedTree(str(root)), "core")
    assert (spool.read_text(), stat.S_IMODE(spool.stat().st_mode)) == ("mail", 0o640)


@pytest.mark.parametrize("login_defs", ["MAIL_DIR /var/mail\n", ""])
def test_a_mail_spool_gets_the_new_number_of_its_user(root: Path, login_defs: str) -> None:
    spool = root / "var/mail/core"
    spool.write_text("mail")
    (root / "etc/login.defs").write_text(login_defs)
    (root / "etc/passwd").write_text(f"core:x:{UID + 1}:{GID}::/home/core:/bin/sh\n")
    tree, before = GuardedTree(str(root)), Account("core", UID, GID)
    with nullcontext() if UID == 0 else pytest.raises(PermissionError):
        hand_over_mail_spool(tree, before)
    assert (spool.stat().st_uid == UID + 1) == (UID == 0)


def test_a_mail_spool_of_somebody_else_stays(root: Path) -> None:
    spool = root / "var/mail/core"
    (root / "etc/passwd").write_text(f"core:x:{UID + 1}:{GID}::/home/core:/bin/sh\n")
    hand_over_mail_spool(GuardedTree(str(root)), Account("core", UID, GID))
    spool.symlink_to("/etc/passwd")
    hand_over_mail_spool(GuardedTree(str(root)), Account("core", UID, GID))
    spool.unlink()
    spool.write_text("mail")
    hand_over_mail_spool(GuardedTree(str(root)), Account("core", UID + 2, GID))
    (root / "etc/login.defs").write_text("MAIL_FILE .mail\n")
    hand_over_mail_spool(GuardedTree(str(root)), Account("core", UID, GID))
    assert (spool.stat().st_uid, (root / "etc/passwd").stat().st_uid) == (UID, UID)
