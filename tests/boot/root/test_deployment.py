"""What a deployment of OSTree cannot take is refused before the first change."""

from __future__ import annotations

import pytest

from provision.boot.root.deployment import checks, makes_transient, refusals
from provision.config.format import Config, Directory, File, Filesystem, Link, Passwd, Storage, User
from tests.stages.world import World


def deployment() -> World:
    world = World().with_directory("/usr").with_directory("/etc").with_directory("/var").with_directory("/usr/lib")
    world = world.with_link("/lib", "usr/lib").with_link("/usr/local", "../var/usrlocal").with_link("/opt", "var/opt")
    return world.with_link("/home", "var/home")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/usr/share/own", "/usr/share/own is on /usr, which is read-only"),
        ("/lib/own", "/lib/own is on /usr, which is read-only"),
        ("/data/own", "there is no /data in this deployment"),
        ("/data", "there is no /data in this deployment"),
        ("/usr/local/bin/own", ""),
        ("/opt/own", ""),
        ("/home", ""),
        ("/etc/own", ""),
        ("/var", ""),
        ("/", ""),
    ],
)
def test_paths_that_are_read_only_are_refused(path: str, told: str) -> None:
    found = list(refusals(Config(storage=Storage(directories=(Directory(path=path),))), deployment()))
    assert [one.message.startswith(told) for one in found] == ([True] if told else [])


def test_every_kind_of_path_is_looked_at_and_named() -> None:
    storage = Storage(
        files=(File(path="/usr/a"),),
        links=(Link(path="/bin", target="/x"), Link(path="/usr/b", target="/x")),
        filesystems=(Filesystem(device="/dev/vdb", path="/srv2"), Filesystem(device="/dev/vdc")),
    )
    users = (User(name="a", home_dir="/usr/a"), User(name="b", home_dir="/usr/b", no_create_home=True), User(name="c"))
    config = Config(storage=storage, passwd=Passwd(users=users))
    assert [one.path for one in refusals(config, deployment())] == [
        ("storage", "files", 0, "path"),
        ("storage", "links", 0, "path"),
        ("storage", "links", 1, "path"),
        ("storage", "filesystems", 0, "path"),
        ("passwd", "users", 0, "homeDir"),
    ]


def test_an_overlay_takes_new_names_in_the_root() -> None:
    config = Config(storage=Storage(directories=(Directory(path="/data"), Directory(path="/usr/x"))))
    assert [one.path[2] for one in refusals(config, deployment(), transient=True)] == [1]
    assert makes_transient("[composefs]\nenabled = true\n\n[root]\ntransient = true\n")
    assert not makes_transient("[etc]\ntransient=true\n[root]\ntransient=false\n")


def test_other_roots_have_no_such_check() -> None:
    assert checks(Config(), "root=LABEL=root") == ()
    assert checks(Config(), "root=LABEL=of-no-device ostree=/ostree/boot.1/debian/e748/0") == ()
