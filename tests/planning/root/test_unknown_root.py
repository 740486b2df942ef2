"""With an unknown root, nothing is refused for a reason that only the real root can show."""

from __future__ import annotations

from provision.config.format import Config, File, Group, Link, Owner, Passwd, Storage, User
from provision.planning.boot_state import BootState
from provision.planning.facts import FileFact
from provision.planning.machine_view import Device
from provision.planning.root.account_files import ACCOUNT_FILES
from provision.planning.root.unknown_root import BY_THE_DISTRIBUTION, MachineWithUnknownRoot, restored_root
from provision.stages import files
from tests.stages.world import World, actions, run


def config() -> Config:
    owned = File(path="/f", user=Owner(name="theirs"), group=Owner(name="theirs"))
    links = (Link(path="/a", target="/usr/bin/b", hard=True), Link(path="/c", target="/f", hard=True))
    users = (User(name="mine", groups=("wheel", "made")),)
    storage = Storage(files=(owned,), links=links)
    return Config(storage=storage, passwd=Passwd(users=users, groups=(Group(name="made"),)))


def test_a_config_that_speaks_of_what_only_the_root_has_is_planned() -> None:
    view = MachineWithUnknownRoot(World().with_user("core", 1), config())
    titles = [action.title for action in actions(run(files.STAGE.plan, config(), view)[0])]
    assert "make user mine" in titles
    assert "hard-link /a to /usr/bin/b" in titles


def test_only_what_the_config_does_not_make_is_taken_to_be_there() -> None:
    view = MachineWithUnknownRoot(World(), config())
    assert (view.user("mine"), view.group("made")) == (None, None)
    assert view.user("theirs") is not None
    assert view.group("wheel") is not None
    assert view.file_status("/f") is None, "the target of a link, but the config makes it"
    assert view.file_status("/usr/bin/b") is not None
    assert all(view.file_status(path) for path in ACCOUNT_FILES)
    assert (view.file_status("/usr"), view.content("/etc/passwd"), view.children("/")) == (None, None, ())
    assert (view.mount("/"), view.free_space("/"), view.enabled("x.service")) == (None, None, True)


def test_the_machine_itself_is_known() -> None:
    state = BootState(seed="s", mounted=("/a",))
    world = World(lacking=["mdadm"], state=state).with_device("/dev/vda", 5)
    world.own_files["/sys/x"] = b"1"
    world.mkfs_refusals["mkfs.xfs"] = "too small"
    view = MachineWithUnknownRoot(world, Config())
    assert view.device("/dev/vda") == Device("/dev/vda", 5)
    assert (view.tool("mdadm"), view.tool("mkfs.xfs")) == (None, "/usr/bin/mkfs.xfs")
    assert (view.host_file("/sys/x"), view.host_children("/sys")) == (b"1", ["x"])
    assert view.mkfs_refusal(("mkfs.xfs",), 1) == "too small"
    assert view.boot_state() == state
    assert (view.table("/dev/vda").kind, view.signature("/dev/vda").type, view.luks_header("/dev/vda")) == (
        "",
        "",
        None,
    )


def test_an_empty_root_is_filled_by_the_distribution() -> None:
    (action,) = actions(run(restored_root, Config(), World())[0])
    assert getattr(action, "argv", ()) == BY_THE_DISTRIBUTION
    assert [fact.name for fact in action.effect() if isinstance(fact, FileFact)] == list(ACCOUNT_FILES)
    assert actions(run(restored_root, Config(), World().with_file("/etc/passwd"))[0]) == []
