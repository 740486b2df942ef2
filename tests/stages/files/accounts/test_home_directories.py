"""What useradd makes beside an account is known to the plan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.config.format import Config, File, Passwd, Resource, Storage, User
from provision.failures import PlanRefused
from provision.planning.facts import FileFact
from provision.planning.file_actions import WriteFile
from provision.planning.machine_view import FileType
from provision.stages.files import accounts, nodes
from provision.stages.files.accounts import home_directories
from tests.stages.world import World, actions, run, told
from tests.target_root import new_root


def a_system() -> World:
    world = World().with_file("/etc/passwd").with_file("/etc/group").with_file("/etc/skel/.bashrc", b"x")
    return world.with_file("/etc/skel/.config/deep", b"x").with_link("/etc/skel/.link", "deep").with_directory("/home")


def made(user: User, world: World) -> dict[str, FileType]:
    facts = (*home_directories.facts(user, world), *home_directories.likely(user, world))
    found = [fact for fact in facts if isinstance(fact, FileFact)]
    return {fact.name: fact.value.kind for fact in found if fact.value}


def test_the_skeleton_is_copied_into_a_new_home() -> None:
    assert made(User(name="bob"), a_system()) == {
        "/home/bob": FileType.DIRECTORY,
        "/home/bob/.bashrc": FileType.FILE,
        "/home/bob/.config": FileType.DIRECTORY,
        "/home/bob/.config/deep": FileType.FILE,
        "/home/bob/.link": FileType.LINK,
    }


def test_nothing_is_copied_into_a_home_that_is_there_or_is_not_wanted() -> None:
    assert made(User(name="bob"), a_system().with_directory("/home/bob")) == {}
    assert made(User(name="bob", no_create_home=True), a_system()) == {}


def test_directories_behind_a_link_are_made_before_useradd_which_cannot() -> None:
    """In a new system of OSTree nothing is below /var."""
    world = a_system().with_directory("/var").with_link("/home", "var/home")
    waves, forecast = run(accounts.plan, Config(passwd=Passwd(users=(User(name="bob"),))), world)
    first, second = actions(waves)[:2]
    assert (first.title, second.title) == ("make directory /var/home (0755)", "make user bob")
    assert forecast.file_status("/var/home/bob") is not None
    assert home_directories.missing_behind_link(User(name="bob"), a_system()) == ()


def test_the_defaults_of_useradd_say_where() -> None:
    """rpm-ostree sets HOME there."""
    world = a_system().with_file("/etc/default/useradd", b"# HOME=/no\nHOME=/var/home\nSKEL=/usr/skel\n")
    world.with_file("/usr/skel/one")
    assert list(made(User(name="bob"), world)) == ["/var", "/var/home", "/var/home/bob", "/var/home/bob/one"]
    assert home_directories.home_of(User(name="bob", home_dir="/srv/bob"), world) == "/srv/bob"
    _, forecast = run(accounts.plan, Config(passwd=Passwd(users=(User(name="bob"),))), world)
    account = forecast.user("bob")
    assert account is not None
    assert account.home == "/var/home/bob"


@pytest.mark.parametrize(
    ("settings", "system", "expected"),
    [("yes", False, True), ("YES", False, True), ("no", False, False), ("yes", True, False), ("", False, False)],
)
def test_a_mail_spool(settings: str, system: bool, expected: bool) -> None:
    world = a_system().with_directory("/var/mail").with_file("/etc/login.defs", b"MAIL_DIR /var/mail\n")
    world.with_file("/etc/default/useradd", f"CREATE_MAIL_SPOOL={settings}\n".encode())
    assert ("/var/mail/bob" in made(User(name="bob", system=system), world)) == expected
    world.with_file("/var/mail/bob")
    assert "/var/mail/bob" not in made(User(name="bob", system=system), world)


@pytest.mark.parametrize(("folder", "expected"), [("/var/mail", []), ("/", ["/bob"])])
def test_a_mail_spool_is_made_where_its_folder_is(folder: str, expected: list[str]) -> None:
    """useradd leaves the spool out if the folder is missing."""
    world = World().with_file("/etc/login.defs", f"MAIL_DIR {folder}\n".encode())
    world.with_file("/etc/default/useradd", b"CREATE_MAIL_SPOOL=yes\n")
    assert list(made(User(name="bob", no_create_home=True), world)) == expected


def test_a_file_that_the_skeleton_has_is_refused_before_the_account_is_made() -> None:
    bashrc = File(path="/home/bob/.bashrc", contents=Resource(source="data:,mine"))
    config = Config(passwd=Passwd(users=(User(name="bob"),)), storage=Storage(files=(bashrc,)))
    _, forecast = run(accounts.plan, config, a_system())
    with pytest.raises(PlanRefused) as refused:
        run(nodes.plan, config, forecast)
    (reason,) = told(refused.value)
    assert reason.startswith("storage.files[0]: A regular file exists there already and overwrite is false: /home/bob/")
    assert reason.endswith("; it comes with a new user: home, skeleton directory or keys; overwrite would replace it")


@pytest.mark.parametrize(
    ("target", "path", "why"),
    [
        ("/etc/passwd", "/home/bob/.link/f", "/etc/passwd is not a directory"),
        ("/etc/skel/.bashrc", "/home/bob/.link/f", "/home/bob/.bashrc is not a directory"),
        ("/etc/skel/.config", "/home/bob/.link/deep", "overwrite is false: /home/bob/.config/deep"),
    ],
)
def test_links_of_the_skeleton_are_followed(target: str, path: str, why: str) -> None:
    """Else the account is made before the path is refused, and every later run is refused too."""
    world = a_system().with_link("/etc/skel/.link", target)
    nodes_below = Storage(files=(File(path=path, contents=Resource(source="data:,mine")),))
    config = Config(passwd=Passwd(users=(User(name="bob"),)), storage=nodes_below)
    _, forecast = run(accounts.plan, config, world)
    with pytest.raises(PlanRefused) as refused:
        run(nodes.plan, config, forecast)
    assert why in told(refused.value)[0]


def test_a_file_of_the_skeleton_that_is_appended_to_keeps_its_mode() -> None:
    world = a_system().with_file("/etc/skel/.private", b"x", mode=0o600)
    private = File(path="/home/bob/.private", append=(Resource(source="data:,mine"),))
    config = Config(passwd=Passwd(users=(User(name="bob"),)), storage=Storage(files=(private,)))
    _, forecast = run(accounts.plan, config, world)
    ((action,),), _ = run(nodes.plan, config, forecast)
    assert isinstance(action, WriteFile)
    assert action.mode == 0o600


def test_the_home_of_a_removed_user_is_gone_for_what_comes_later() -> None:
    world = a_system().with_user("old", 7).with_file("/home/old/f", b"x").with_directory("/home/old", uid=7)
    removed = Config(passwd=Passwd(users=(User(name="old", should_exist=False),)))
    _, forecast = run(accounts.plan, removed, world)
    assert forecast.file_status("/home/old") is None
    assert forecast.file_status("/home/old/f") is None


def refused(user: User, world: World) -> str:
    with pytest.raises(PlanRefused) as caught:
        run(accounts.plan, Config(passwd=Passwd(users=(user,))), world)
    (reason,) = told(caught.value)
    return reason


def test_a_home_that_userdel_would_leave_is_refused() -> None:
    """The homes of many system accounts belong to root; userdel removes the account, and ends with status 12."""
    world = a_system().with_user("games", 5, "/usr/games").with_directory("/usr/games", uid=0)
    assert refused(User(name="games", should_exist=False), world).startswith(
        "passwd.users[0]: userdel does not remove /usr/games, the home of games, which belongs to the id 0"
    )
    world.lenient.add("userdel")
    _, forecast = run(accounts.plan, Config(passwd=Passwd(users=(User(name="games", should_exist=False),))), world)
    assert forecast.file_status("/usr/games") is not None
    absent = a_system().with_user("games", 5, "/usr/games")
    run(accounts.plan, Config(passwd=Passwd(users=(User(name="games", should_exist=False),))), absent)


def test_a_user_whose_home_is_the_root_is_not_removed() -> None:
    """`userdel --remove` of shadow 4.13 removes the whole root then."""
    world = a_system().with_user("toor", 0, "/")
    reason = "passwd.users[0]: userdel would remove /, the home of toor; keep the account"
    assert refused(User(name="toor", should_exist=False), world) == reason


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("/srv", "to /srv, which exists; move it away"),
        ("/srv/deep/bob", "there is no /srv/deep; make it first"),
        ("/srv/bob", ""),
        ("/home/bob", ""),
    ],
)
def test_a_home_that_usermod_would_not_move(new: str, why: str) -> None:
    world = a_system().with_user("bob", 7).with_directory("/home/bob", uid=7).with_directory("/srv")
    user = User(name="bob", home_dir=new)
    if why:
        assert refused(user, world).startswith("passwd.users[0].homeDir: usermod does not move /home/bob to /srv")
        assert refused(user, world).endswith(why)
        return
    _, forecast = run(accounts.plan, Config(passwd=Passwd(users=(user,))), world)
    assert (forecast.file_status(new), forecast.file_status("/home/bob") is None) != (None, False)
    assert (forecast.file_status("/home/bob") is None) == (new != "/home/bob")


def test_usermod_moves_directories_only_and_none_that_is_not_there() -> None:
    world = a_system().with_user("bob", 7).with_directory("/srv")
    run(accounts.plan, Config(passwd=Passwd(users=(User(name="bob", home_dir="/srv/x/y"),))), world)
    world.with_file("/home/bob")
    assert "which is a file" in refused(User(name="bob", home_dir="/srv/bob"), world)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("useradd"), reason="useradd wants to be root")
def test_the_real_useradd_does_what_the_plan_predicts(tmp_path: Path) -> None:
    files = {
        "etc/group": "root:x:0:\nmail:x:8:\n",
        "etc/login.defs": "USERGROUPS_ENAB yes\nMAIL_DIR /var/mail\n",
        "etc/default/useradd": "HOME=/srv\nSKEL=/etc/skel\nCREATE_MAIL_SPOOL=yes\n",
        "etc/skel/.bashrc": "theirs",
        "etc/skel/.config/deep": "deep",
    }
    root = new_root(tmp_path / "root", files)
    for folder in ("srv", "var/mail", "proc"):
        (root / folder).mkdir(parents=True)
    text = '{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "bob"}]}, "storage": {"files": [%s]}}'
    mine = '{"path": "/srv/bob/.bashrc", "contents": {"source": "data:,mine"}%s}'

    def apply(file: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "provision", "apply", "-", "--root", str(root)]
        return subprocess.run(argv, input=text % file, capture_output=True, text=True, check=False)

    refused = apply(mine % "")
    assert (refused.returncode, (root / "srv/bob").exists()) == (1, False)
    assert "A regular file exists there already" in refused.stderr
    done = apply(mine % ', "overwrite": true')
    assert (done.returncode, done.stderr) == (0, "")
    assert (root / "srv/bob/.bashrc").read_text() == "mine"
    assert (root / "srv/bob/.config").is_dir()
    assert (root / "var/mail/bob").exists()
