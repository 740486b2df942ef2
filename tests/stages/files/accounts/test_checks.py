"""What useradd and the other tools would refuse is refused before anything is changed; what they may accept is not."""

from __future__ import annotations

import pytest

from provision.config.format import Config, Group, Passwd, User
from provision.config.model import Secret
from provision.failures import ActionFailed, PlanRefused
from provision.stages import files
from provision.stages.files import accounts
from provision.stages.files.accounts.checks import LAST_ID, refusals
from tests.stages.world import World

CANARY = "$y$j9T$canary"


def refused(*accounts: User | Group, world: World | None = None) -> list[str]:
    users = tuple(one for one in accounts if isinstance(one, User))
    groups = tuple(one for one in accounts if isinstance(one, Group))
    problems = list(refusals(Config(passwd=Passwd(users=users, groups=groups)), world or a_system()))
    return list(PlanRefused(problems).reasons)


def a_system() -> World:
    world = World().with_user("core", 500).with_group("wheel", 10).with_group("core", 500)
    world.with_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\ncore:x:500:500::/home/core:/bin/sh\n")
    world.with_file("/etc/group", b"root:x:0:\nwheel:x:10:\ncore:x:500:\n")
    world.with_file("/usr/lib/group", b"docker:x:42:\n")
    for name in ("shadow", "gshadow"):
        world.with_file(f"/etc/{name}")
    return world.with_file("/etc/login.defs", b"USERGROUPS_ENAB yes\n")


@pytest.mark.parametrize(
    ("line", "reasons"), [("u:x:1", 0), ("u:x:1:a", 0), ("u:x:1:70", 0), ("u:x:1:7", 1), ("u:x:1:7::/:", 1)]
)
def test_a_group_is_primary_in_lines_with_its_number(line: str, reasons: int) -> None:
    """A line of passwd may end after the number, as glibc reads it."""
    world = World().with_group("old", 7).with_file("/etc/passwd", f"#\n{line}\n\n".encode())
    assert len(refused(Group(name="old", should_exist=False), world=world)) == reasons


@pytest.mark.parametrize(
    "accounts",
    [
        (User(name="u", groups=("wheel", "docker"), primary_group="core"),),
        (User(name="u", groups=("10", "42"), primary_group="500"),),
        (User(name="u", groups=("made",)), Group(name="made", gid=7)),
        (User(name="one"), User(name="two", groups=("one",))),
        (User(name="u", groups=("",)),),
        (User(name="core", uid=500), Group(name="core", gid=500)),
        (User(name="core", should_exist=False), User(name="next", uid=500)),
        (Group(name="wheel", should_exist=False), Group(name="next", gid=10)),
        (User(name="core", uid=501), User(name="next", uid=500)),
        (User(name="u", uid=LAST_ID, gecos="A, B", home_dir="/x y", shell="/bin/sh", password_hash=Secret(CANARY)),),
        (User(name="Strange.Name#é"), User(name="machine$"), User(name="123")),
        (User(name="-none", should_exist=False), Group(name="a b", should_exist=False)),
    ],
)
def test_what_the_tools_take(accounts: tuple[User | Group, ...]) -> None:
    assert refused(*accounts) == []


@pytest.mark.parametrize(
    ("accounts", "reason"),
    [
        ((User(name="u", groups=("wheel", "nope")),), "passwd.users[0].groups: there is no group 'nope'"),
        ((User(name="u", groups=("77",)),), "passwd.users[0].groups: there is no group '77'"),
        ((User(name="u", primary_group="nope"),), "passwd.users[0].primaryGroup: there is no group 'nope'"),
        ((User(name="u", groups=("wheel",)), Group(name="wheel", should_exist=False)), "no group 'wheel'"),
        ((User(name="two", groups=("one",)), User(name="one")), "passwd.users[0].groups: there is no group 'one'"),
        ((User(name="u", groups=("n",)), User(name="n", no_user_group=True)), "no group 'n'"),
        (
            (Group(name="core", should_exist=False),),
            "passwd.groups[0]: groupdel does not remove the primary group of the",
        ),
        ((User(name="wheel"),), "passwd.users[0]: the group 'wheel' exists already; give primaryGroup"),
        ((User(name="a", uid=7), User(name="b", uid=7)), "passwd.users[1].uid: 7 is the id of a already"),
        ((User(name="a", uid=500),), "passwd.users[0].uid: 500 is the id of core already"),
        ((Group(name="a", gid=10),), "passwd.groups[0].gid: 10 is the id of wheel already"),
        ((User(name="a", uid=LAST_ID + 1),), "passwd.users[0].uid: 4294967295 is not an id"),
        ((Group(name="a", gid=-1),), "passwd.groups[0].gid: -1 is not an id"),
        *(((User(name=name),), "passwd.users[0].name: ") for name in ("", "-x", "a b", "a:b", "a\n", "a,b")),
        ((Group(name="-x"),), "passwd.groups[0].name: '-x' would be read as an option"),
        ((User(name="u", gecos="a:b"),), "passwd.users[0].gecos: must not contain a colon"),
        ((User(name="u", home_dir="srv"),), "passwd.users[0].homeDir: 'srv' is not an absolute path"),
        ((User(name="u", home_dir="/a:b"),), "passwd.users[0].homeDir: must not contain a colon"),
        ((User(name="u", shell="/bin/sh\n"),), "passwd.users[0].shell: must not contain a colon"),
        ((User(name="u", shell="sh"),), "passwd.users[0].shell: 'sh' is not an absolute path"),
    ],
)
def test_what_they_refuse(accounts: tuple[User | Group, ...], reason: str) -> None:
    (found,) = refused(*accounts)
    assert reason in found


@pytest.mark.parametrize(
    "account",
    [User(name="u", password_hash=Secret(CANARY + ":")), Group(name="g", password_hash=Secret(CANARY + "\n"))],
)
def test_a_hash_that_would_break_a_line_is_not_shown(account: User | Group) -> None:
    (found,) = refused(account)
    assert ".passwordHash: must not contain a colon" in found
    assert CANARY not in found


def test_an_existing_account_that_shares_its_id_may_keep_it() -> None:
    assert refused(User(name="toor", uid=0), world=a_system().with_user("toor", 0)) == []


def test_ids_are_not_checked_where_the_files_are_not_known() -> None:
    assert refused(User(name="u", uid=0, groups=("100",)), User(name="0"), world=World()) == []


def test_all_reasons_come_before_the_first_wave() -> None:
    users = (User(name="a", groups=("x",)), User(name="b", uid=-1))
    with pytest.raises(PlanRefused) as failed:
        next(files.STAGE.plan(Config(passwd=Passwd(users=users)), a_system()))
    assert len(failed.value.reasons) == 2


@pytest.mark.parametrize(
    ("link", "accounts", "refuses"),
    [
        ("passwd", Group(name="made"), False),
        ("passwd", Group(name="wheel", gid=11), True),
        ("group", Group(name="made"), True),
        ("group", User(name="core", gecos="x"), False),
        ("group", User(name="core", groups=("wheel",)), True),
        ("group", User(name="new"), True),
        ("shadow", User(name="core", password_hash=Secret(CANARY)), True),
        ("shadow", User(name="core", should_exist=False), True),
        ("shadow", User(name="core"), False),
        ("gshadow", Group(name="wheel", password_hash=Secret(CANARY)), True),
        ("gshadow", Group(name="wheel", gid=11), False),
        ("subuid", User(name="new"), True),
        ("subuid", User(name="new", system=True), False),
    ],
)
def test_the_tools_follow_no_link(link: str, accounts: User | Group, refuses: bool) -> None:
    world = a_system().with_file("/usr/lib/there").with_link(f"/etc/{link}", "../usr/lib/there")
    said = f"passwd: /etc/{link} of the root is a link, which useradd and the other tools do not follow"
    assert (said in refused(accounts, world=world)) == refuses
    assert said not in refused(accounts, world=a_system().with_link(f"/etc/{link}", "nowhere"))


def test_only_accounts_that_are_made_need_their_files() -> None:
    gone = Passwd(groups=(Group(name="wheel", should_exist=False),), users=(User(name="core", should_exist=False),))
    made = Passwd(groups=(Group(name="new"),), users=(User(name="new"),))
    assert list(accounts._databases(Config(passwd=gone))) == []
    assert list(accounts._databases(Config(passwd=made))) == ["/etc/group", "/etc/passwd"]


def test_a_groupdel_that_removes_primary_groups_is_let_do_it() -> None:
    world = a_system()
    world.lenient.add("groupdel")
    assert refused(Group(name="core", should_exist=False), world=world) == []


def test_groupdel_is_tried_on_the_group_and_its_user_alone() -> None:
    world = a_system()
    refused(Group(name="core", should_exist=False), world=world)
    files = {"/etc/passwd": b"core:x:1:500::/:\n", "/etc/group": b"core:x:500:\n"}
    assert world.account_trials == [(("groupdel", "core"), files)]


@pytest.mark.parametrize(
    ("settings", "made"), [(b"USERGROUPS_ENAB yes\n", True), (b"USERGROUPS_ENAB no\n", False), (None, True)]
)
def test_a_user_may_have_a_group_of_its_own(settings: bytes | None, made: bool) -> None:
    """Without login.defs the tools decide: nothing is refused that they may accept."""
    world = a_system()
    world.with_file("/etc/login.defs", settings or b"")
    if settings is None:
        del world.nodes["/etc/login.defs"], world.contents["/etc/login.defs"]
    reasons = refused(User(name="one"), User(name="two", groups=("one",)), world=world)
    assert reasons == ([] if made else ["passwd.users[1].groups: there is no group 'one'; make it in passwd.groups"])


class Broken(World):
    """A root in which useradd is a link to nothing, and the other tools are absent."""

    def tool(self, name: str) -> str | None:
        if name == "useradd":
            raise ActionFailed("find useradd", "/usr/sbin/useradd: is a link to nothing")
        return None


def test_every_tool_that_is_absent_or_cannot_be_started_is_named() -> None:
    world = Broken().with_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    with pytest.raises(PlanRefused) as refused:
        next(accounts.plan(Config(passwd=Passwd(users=(User(name="new"),))), world))
    assert refused.value.reasons == (
        "passwd: useradd of the root cannot be started: /usr/sbin/useradd: is a link to nothing",
        "passwd: userdel is not on PATH, nor in the root",
        "passwd: usermod is not on PATH, nor in the root",
    )
    assert refused.value.hint.split("\n") == [
        "mend it in the root, or install the package passwd or shadow-utils there again",
        "install the package passwd or shadow-utils",
    ]
