"""Accounts: which programs are run, in which order, and that no argument holds a hash."""

from __future__ import annotations

import pytest

from provision.config.format import Config, Group, Passwd, User
from provision.config.model import Secret
from provision.failures import PlanRefused
from provision.planning.actions import Action, RunProgram, SetPassword
from provision.planning.arguments import Content
from provision.planning.file_actions import MakeDirectory, WriteFile
from provision.stages.files import accounts
from provision.stages.files.accounts import actions
from tests.stages.world import STATE, World, changes, run

HASH = Secret("$y$j9T$canary")


def planned(world: World, *, users: tuple[User, ...] = (), groups: tuple[Group, ...] = ()) -> list[Action]:
    waves, _ = run(actions.plan, Config(passwd=Passwd(users=users, groups=groups)), world)
    assert all(len(wave) == 1 for wave in waves), "accounts share their files"
    return changes(waves)


def words(action: Action) -> list[str]:
    assert isinstance(action, RunProgram)
    return [word for word in action.argv if isinstance(word, str)]


def test_a_new_user_is_made_then_gets_a_password() -> None:
    made, password = planned(World(), users=(User(name="core", uid=1234, groups=("wheel", "sudo"), shell="/bin/zsh"),))
    assert words(made) == [
        "useradd", "--root", "--create-home", "--uid", "1234", "--groups", "wheel,sudo", "--shell", "/bin/zsh", "core",
    ]  # fmt: skip
    assert isinstance(password, SetPassword)
    assert password.hash.reveal() == "*", "an account without a password is locked, as the reference has it"


def test_a_hash_is_in_no_argument_and_no_text() -> None:
    for action in planned(World(), users=(User(name="core", password_hash=HASH),)):
        assert HASH.reveal() not in repr(action) + action.title


def test_an_existing_user_is_changed_and_keeps_its_password() -> None:
    world = World().with_user("core", 1000)
    (changed,) = planned(world, users=(User(name="core", gecos="Core", home_dir="/srv/core"),))
    assert words(changed) == ["usermod", "--root", "--home", "/srv/core", "--move-home", "--comment", "Core", "core"]


def test_an_existing_user_with_nothing_to_change_needs_nothing() -> None:
    assert planned(World().with_user("core", 1000), users=(User(name="core"),)) == []


def test_empty_strings_are_left_out() -> None:
    user = User(name="a", gecos="", home_dir="", primary_group="", shell="", no_create_home=True, system=True)
    assert words(planned(World(), users=(user,))[0]) == ["useradd", "--root", "--no-create-home", "--system", "a"]


def test_accounts_that_should_not_exist() -> None:
    world = World().with_user("old", 5).with_group("old", 5)
    removed = planned(
        world,
        users=(User(name="old", should_exist=False), User(name="none", should_exist=False)),
        groups=(Group(name="old", should_exist=False), Group(name="none", should_exist=False)),
    )
    assert [words(action)[0] for action in removed] == ["groupdel", "userdel"]
    assert all(action.destroys for action in removed)


def test_groups_come_before_users() -> None:
    made = planned(
        World().with_group("there", 7),
        users=(User(name="u"),),
        groups=(
            Group(name="new", gid=4, system=True),
            Group(name="there", gid=8),
            Group(name="kept", password_hash=HASH),
        ),
    )
    assert [words(action) if isinstance(action, RunProgram) else action.title for action in made][:4] == [
        ["groupadd", "--root", "--gid", "4", "--system", "new"],
        ["groupmod", "--root", "--gid", "8", "there"],
        ["groupadd", "--root", "kept"],
        "set the password hash of group kept",
    ]


def test_ids_that_the_config_gives_are_known_afterwards() -> None:
    entries = Passwd(
        users=(User(name="new", uid=4), User(name="there", uid=8), User(name="kept", gecos="x"), User(name="any")),
        groups=(Group(name="new", gid=4), Group(name="there", gid=8), Group(name="any")),
    )
    world = World().with_group("there", 7).with_user("there", 7).with_user("kept", 9)
    _, forecast = run(actions.plan, Config(passwd=entries), world)
    groups = [forecast.group(one.name) for one in entries.groups]
    users = [forecast.user(one.name) for one in entries.users]
    assert [one.id if one else "gone" for one in groups] == [4, 8, None]
    assert [one.id if one else "gone" for one in users] == [4, 8, 9, None]


def test_keys_go_to_a_fragment_that_belongs_to_the_user() -> None:
    world = World().with_user("core", 1000).with_directory("/home/core", uid=1000, gid=1000)
    *folders, keys = planned(world, users=(User(name="core", ssh_authorized_keys=("one", "two")),))
    assert [(folder.path, folder.mode, folder.uid) for folder in folders if isinstance(folder, MakeDirectory)] == [
        ("/home/core/.ssh", 0o700, 1000),
        ("/home/core/.ssh/authorized_keys.d", 0o700, 1000),
    ]
    assert isinstance(keys, WriteFile)
    assert (keys.path, keys.mode, keys.uid, keys.gid) == (
        "/home/core/.ssh/authorized_keys.d/ignition", 0o600, 1000, 1000,
    )  # fmt: skip
    assert keys.parts == (Content(b"one\ntwo\n"),)


def test_keys_follow_a_home_that_is_a_link() -> None:
    world = World().with_user("core", 1000).with_directory("/var/home/core").with_link("/home", "/var/home")
    keys = planned(world, users=(User(name="core", ssh_authorized_keys=("one",)),))[-1]
    assert isinstance(keys, WriteFile)
    assert keys.path == "/var/home/core/.ssh/authorized_keys.d/ignition"


@pytest.mark.parametrize(("link", "target"), [(".ssh", "/etc"), (".ssh/authorized_keys.d", "/etc/cron.daily")])
def test_keys_never_leave_the_home(link: str, target: str) -> None:
    """The user of a home that was kept may have put links there; root must not follow them."""
    world = World().with_user("core", 1000).with_directory("/home/core").with_link(f"/home/core/{link}", target)
    with pytest.raises(PlanRefused, match="leads out of the home"):
        planned(world, users=(User(name="core", ssh_authorized_keys=("one",)),))


def test_a_directory_in_the_place_of_keys_is_not_removed() -> None:
    world = World().with_user("core", 1000).with_directory("/home/core/.ssh/authorized_keys.d/ignition")
    with pytest.raises(PlanRefused, match="is a directory"):
        planned(world, users=(User(name="core", ssh_authorized_keys=("one",)),))


def test_what_the_tools_touch_is_labelled() -> None:
    world = World().with_user("core", 1000).with_file("/etc/shadow-").with_file("/etc/hosts")
    world.with_link("/home", "/var/home").with_directory("/var/home/core")
    config = Config(passwd=Passwd(users=(User(name="core", password_hash=HASH),)))
    assert list(accounts.made_by_programs(config, world)) == ["/etc/shadow-", "/var/home/core"]
    assert list(accounts.made_by_programs(Config(), world)) == []


def test_directories_above_a_missing_home_belong_to_root() -> None:
    made = planned(
        World().with_user("core", 7), users=(User(name="core", ssh_authorized_keys=("k",), no_create_home=True),)
    )
    owners = {action.path: (action.uid, action.mode) for action in made if isinstance(action, MakeDirectory)}
    assert owners["/home"] == (0, 0o755)
    assert owners["/home/core"] == (7, 0o700)


def test_a_home_on_a_mount_point_is_taken_over() -> None:
    world = World(state=STATE._replace(made_directories=("/home", "/home/core", "/home/core/data")))
    taken = [action for action in planned(world, users=(User(name="core"),)) if isinstance(action, MakeDirectory)]
    assert [action.path for action in taken] == ["/home/core", "/home/core/data"]
    assert {action.mode for action in taken} == {0o700}


def test_a_home_that_leads_nowhere_is_refused_at_its_user() -> None:
    user = User(name="core", home_dir="/etc/passwd/x", ssh_authorized_keys=("k",))
    with pytest.raises(PlanRefused, match=r"^passwd\.users\[0\]: /etc/passwd/x.*: /etc/passwd is not a directory"):
        planned(World().with_file("/etc/passwd"), users=(user,))
