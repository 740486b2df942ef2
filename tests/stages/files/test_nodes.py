"""Files, directories and links, with everything that may exist at their paths already."""

from __future__ import annotations

import gzip
from base64 import b64encode
from typing import Any

import pytest

from provision.config.format import Config, Directory, File, Filesystem, Link, Owner, Resource, Storage, Verification
from provision.failures import PlanRefused
from provision.planning.actions import Action, FetchBlob
from provision.planning.arguments import Blob, Content
from provision.planning.file_actions import MakeDirectory, MakeHardLink, MakeSymlink, RemovePath, WriteFile
from provision.planning.machine_view import FileStatus, FileType, MountedFilesystem
from provision.stages.files import nodes
from tests.stages.world import World, actions, changes, run, told

HELLO = Resource(source="data:,hello")
REMOTE = Resource(source="https://example.com/secret?token=canary")


def planned(world: World, **storage: Any) -> list[Action]:
    waves, _ = run(nodes.plan, Config(storage=Storage(**storage)), world)
    return changes(waves)


def refused(world: World, **storage: Any) -> str:
    with pytest.raises(PlanRefused) as caught:
        planned(world, **storage)
    return str(caught.value)


def test_a_new_file_is_whole_with_owner_and_mode() -> None:
    world = World().with_user("core", 1000).with_group("wheel", 10)
    file = File(path="/etc/a/b", contents=HELLO, mode=0o600, user=Owner(name="core"), group=Owner(name="wheel"))
    assert planned(world, files=(file,)) == [
        WriteFile(
            "/etc/a/b",
            (Content(b"hello"),),
            0o600,
            1000,
            10,
            parents=("/etc", "/etc/a"),
            config_path=("storage", "files", 0),
            exclusive=True,
        )
    ]


def test_only_what_may_be_overwritten_takes_the_place_of_what_appears() -> None:
    files = (File(path="/a"), File(path="/b", overwrite=True))
    links = (Link(path="/c", target="/x"), Link(path="/d", target="/x", overwrite=True))
    hard = (Link(path="/e", target="/a", hard=True), Link(path="/f", target="/a", hard=True, overwrite=True))
    made = planned(World(), files=files, links=(*links, *hard))
    exclusive = {one.path: one.exclusive for one in made if isinstance(one, WriteFile | MakeSymlink | MakeHardLink)}
    assert exclusive == {"/a": True, "/b": False, "/c": True, "/d": False, "/e": True, "/f": False}


def test_an_id_wins_over_a_name() -> None:
    (write,) = planned(World(), files=(File(path="/f", contents=HELLO, user=Owner(id=5, name="")),))
    assert isinstance(write, WriteFile)
    assert (write.uid, write.gid, write.mode) == (5, 0, 0o644)


def test_everything_wrong_is_said_at_once() -> None:
    text = refused(
        World().with_file("/there").with_file("/dir/f").with_directory("/folder"),
        files=(
            File(path="/there", contents=HELLO),
            File(path="/new", contents=HELLO, user=Owner(name="nobody")),
            File(path="/folder", contents=HELLO),
            File(path="/hash", contents=HELLO.changed(verification=Verification(hash="sha512-" + "0" * 128))),
            File(path="/dir/f/below", contents=HELLO),
        ),
        directories=(Directory(path="/dir/f"),),
        links=(Link(path="/folder/x/../../dir/f", target="/x"), Link(path="/hard", target="/gone", hard=True)),
    )
    for expected in (
        "storage.files[0]: A regular file exists there already and overwrite is false: /there",
        'storage.files[1]: no such user "nobody"',
        "storage.files[2]: A non regular file exists there already and overwrite is false: /folder",
        "storage.files[3]: hash verification failed",
        "storage.files[4]: /dir/f/below: /dir/f is not a directory",
        "storage.directories[0]: A non-directory already exists and overwrite is false: /dir/f",
        "another entry with path /dir/f also resolves there",
        "storage.links[1]: hard link target /gone does not exist",
    ):
        assert expected in text


def test_overwriting_a_file_is_one_rename() -> None:
    (write,) = planned(World().with_file("/f", uid=9), files=(File(path="/f", contents=HELLO, overwrite=True),))
    assert isinstance(write, WriteFile)
    assert (write.destroys, write.uid) == ("file /f", 0)


def test_overwriting_a_directory_removes_it_first() -> None:
    world = World().with_directory("/f").with_file("/f/kept")
    remove, write = planned(world, files=(File(path="/f", contents=HELLO, overwrite=True),))
    assert isinstance(remove, RemovePath)
    assert remove.destroys == "directory /f with all below it"
    assert isinstance(write, WriteFile)


def test_a_replaced_directory_makes_room_for_what_comes_below_it() -> None:
    world = World().with_directory("/d").with_file("/d/f")
    made = planned(
        world, directories=(Directory(path="/d", overwrite=True),), files=(File(path="/d/f", contents=HELLO),)
    )
    assert [type(action) for action in made] == [RemovePath, MakeDirectory, WriteFile]


def test_a_file_without_source_keeps_what_is_there() -> None:
    world = World().with_file("/f", b"old", mode=0o640, uid=3, gid=4)
    assert planned(world, files=(File(path="/f"),)) == []
    (write,) = planned(world, files=(File(path="/f", append=(HELLO,), mode=0o600),))
    assert write == WriteFile("/f", (Content(b"hello"),), 0o600, 3, 4, keep=True, config_path=("storage", "files", 0))


def test_a_file_without_source_is_made_empty() -> None:
    (write,) = planned(World(), files=(File(path="/f", append=(HELLO,)),))
    assert write == WriteFile("/f", (Content(b"hello"),), config_path=("storage", "files", 0), exclusive=True)


def test_an_existing_directory_only_changes_owner_and_mode() -> None:
    world = World().with_directory("/d", 0o755, 1, 2)
    assert planned(world, directories=(Directory(path="/d"),)) == []
    (change,) = planned(world, directories=(Directory(path="/d", mode=0o700),))
    assert change == MakeDirectory("/d", 0o700, 1, 2, config_path=("storage", "directories", 0))


def test_mode_zero_is_a_mode() -> None:
    world = World().with_file("/f", mode=0)
    assert planned(world, files=(File(path="/f"),)) == []
    (write,) = planned(World(), files=(File(path="/g", mode=0),))
    assert isinstance(write, WriteFile)
    assert write.mode == 0


def test_links() -> None:
    world = World().with_link("/same", "/x/../target").with_file("/target", uid=8, gid=9)
    (link,) = planned(world, links=(Link(path="/same", target="/target"), Link(path="/new", target="target")))
    assert link == MakeSymlink("/new", "target", 8, 9, config_path=("storage", "links", 1), exclusive=True)
    assert "A file already exists there" in refused(world, links=(Link(path="/same", target="/other"),))


def test_hard_links_come_last_and_may_name_what_the_config_makes() -> None:
    made = planned(
        World(),
        files=(File(path="/deep/er/f", contents=HELLO),),
        links=(Link(path="/h", target="/deep/er/f", hard=True),),
    )
    assert isinstance(made[-1], MakeHardLink)
    assert made[-1].target == "/deep/er/f"


def test_a_hard_link_that_is_there_already_stays() -> None:
    world = World().with_file("/a").with_file("/b")
    world.nodes["/a"] = world.nodes["/a"]._replace(identity=(1, 2))
    link = Link(path="/b", target="/a", hard=True)
    for identity in (None, (1, 3)):
        world.nodes["/b"] = world.nodes["/b"]._replace(identity=identity)
        assert "A file already exists there and overwrite is false: /b" in refused(world, links=(link,))
    world.nodes["/b"] = world.nodes["/a"]
    assert planned(world, links=(link,)) == []


def test_a_hard_link_waits_for_the_deepest_file() -> None:
    storage = Storage(
        files=(File(path="/a/b/c", contents=HELLO),), links=(Link(path="/a/d", target="/a/b/c", hard=True),)
    )
    waves, _ = run(nodes.plan, Config(storage=storage), World())
    assert [type(action) for wave in waves for action in wave] == [WriteFile, MakeHardLink]
    assert [len(wave) for wave in waves] == [1, 1]


def test_a_hard_link_may_be_to_a_symbolic_link_but_not_to_a_directory() -> None:
    (link,) = planned(World().with_link("/bar", "gone"), links=(Link(path="/foo", target="/bar", hard=True),))
    assert [fact.value for fact in link.effect()] == [FileStatus(FileType.LINK, target="gone")]
    assert "is a directory" in refused(World().with_directory("/d"), links=(Link(path="/f", target="/d", hard=True),))


def test_remote_contents_are_fetched_side_by_side_before_anything_is_written() -> None:
    files = tuple(File(path=f"/f{number}", contents=REMOTE) for number in range(3))
    waves, _ = run(nodes.plan, Config(storage=Storage(files=files)), World())
    assert [len(wave) for wave in waves] == [3, 3]
    fetch, write = waves[0][0], waves[1][0]
    assert isinstance(fetch, FetchBlob)
    assert isinstance(write, WriteFile)
    assert write.parts == (Blob("storage.files[0].contents"),)
    assert fetch.title == "fetch https://example.com/secret", "a query may hold a secret"


def test_nodes_come_depth_by_depth_where_links_really_lead() -> None:
    world = World().with_link("/short", "/a/b/c").with_directory("/a/b/c")
    made = planned(
        world,
        files=(File(path="/short/f", contents=HELLO), File(path="/x/y/z", contents=HELLO)),
        directories=(Directory(path="/top"),),
    )
    assert [action.title.split()[-2] for action in made] == ["/top", "/x/y/z", "/a/b/c/f"]


def test_the_root_and_what_is_mounted_are_never_replaced() -> None:
    world = World().with_directory("/var/data").with_file("/keep")
    data = Filesystem(device="/dev/vdb", format="xfs", path="/var/data")
    for path, message in {
        "/": "the root itself cannot be replaced",
        "/var": "a file system is mounted at /var/data",
        "/var/data": "a file system is mounted at /var/data",
    }.items():
        directory = Directory(path=path, overwrite=True)
        file = File(path=path, overwrite=True, contents=HELLO)
        assert message in refused(world, filesystems=(data,), directories=(directory,))
        assert message in refused(world, filesystems=(data,), files=(file,))
    assert planned(world, filesystems=(data,), directories=(Directory(path="/var/database", overwrite=True),))


@pytest.mark.parametrize(
    "path", ["/etc/.provision-complete.json", "/conf/.provision-journal", "/boot/efi/.PROVISION-COMPLETE.JSON/x"]
)
def test_a_config_cannot_say_that_its_own_first_boot_is_done(path: str) -> None:
    world = World().with_directory("/etc").with_link("/conf", "etc")
    assert "only the engine may write .provision-" in refused(world, files=(File(path=path),))
    assert "only the engine may write .provision-" in refused(world, directories=(Directory(path=path),))
    assert planned(world, files=(File(path="/etc/.provision", contents=HELLO),))


@pytest.mark.parametrize("path", ["/var", "/var/lib", "/var/lib/data"])
def test_a_file_at_a_mount_point_is_refused_with_the_reason(path: str) -> None:
    world = World().with_directory("/var").with_directory("/var/lib").with_directory("/var/lib/data")
    world.mounts["/var/lib/data"] = MountedFilesystem("/var/lib/data", "/dev/vdb", "xfs")
    with pytest.raises(PlanRefused) as caught:
        planned(world, files=(File(path=path, contents=HELLO),))
    (reason,) = told(caught.value)
    hint = "a file system is mounted at /var/lib/data; choose another path"
    assert reason.endswith(f"overwrite is false: {path}; {hint}")


def test_a_directory_with_a_mount_of_somebody_else_below_is_not_replaced() -> None:
    """Else all beside the mount point would be removed before the kernel refuses."""
    world = World().with_directory("/var").with_directory("/var/lib").with_directory("/var/lib/data")
    world.mounts["/var/lib/data"] = MountedFilesystem("/var/lib/data", "/dev/vdb", "xfs")
    reason = refused(world, directories=(Directory(path="/var", overwrite=True),))
    assert reason.endswith("/var cannot be replaced: a file system is mounted at /var/lib/data")
    assert planned(world, directories=(Directory(path="/var/libx", overwrite=True),))


@pytest.mark.parametrize(
    ("owner", "options", "taken"),
    [
        (Owner(), (), True),
        (Owner(id=0), (), True),
        (Owner(id=500), (), False),
        (Owner(id=500), ("uid=500",), True),
        (Owner(id=500), ("rw,uid=500", "gid=x"), True),
        (Owner(), ("uid=500",), False),
    ],
)
@pytest.mark.parametrize("kind", [File, Directory])
def test_owners_on_a_file_system_without_owners(
    kind: type[File | Directory], owner: Owner, options: tuple[str, ...], *, taken: bool
) -> None:
    world = World().with_directory("/efi")
    world.mounts["/efi"] = MountedFilesystem("/efi", "/dev/vda1", "vfat")
    efi = Filesystem(device="/dev/vda1", format="vfat", path="/efi", mount_options=options)
    node = kind(path="/efi/a/f", user=owner)
    nodes = {"files" if kind is File else "directories": (node,)}
    if taken:
        assert len(planned(world, filesystems=(efi,), **nodes)) == 1
    else:
        assert "the file system at /efi is vfat, which has no owners" in refused(world, filesystems=(efi,), **nodes)
    world.mounts["/efi"] = MountedFilesystem("/efi", "/dev/vda1", "ext4")
    assert len(planned(world, filesystems=(efi,), **nodes)) == 1


@pytest.mark.parametrize(("uid", "changes"), [(0, 0), (7, 1)])
def test_a_mode_that_is_not_stored_is_no_change(uid: int, changes: int) -> None:
    world = World().with_directory("/efi")
    there = FileStatus(FileType.DIRECTORY, None, 0, 0, identity=(1, 2))
    world.nodes["/efi/d"] = there
    world.nodes["/efi/f"] = there._replace(kind=FileType.FILE, size=1)
    owner = Owner(id=uid)
    assert len(planned(world, directories=(Directory(path="/efi/d", mode=0o700, user=owner),))) == changes
    assert len(planned(world, files=(File(path="/efi/f", mode=0o600, user=owner),))) == changes


def test_a_link_in_the_place_of_a_file_says_what_is_lost() -> None:
    world = World().with_file("/a").with_file("/b").with_file("/target")
    links = (Link(path="/a", target="x", overwrite=True), Link(path="/b", target="/target", hard=True, overwrite=True))
    assert [action.destroys for action in planned(world, links=links)] == ["file /a", "file /b"]


def test_nodes_that_match_the_config_are_kept_and_reported() -> None:
    world = World().with_directory("/d", 0o755).with_link("/l", "x").with_file("/f", mode=0o644)
    storage = Storage(
        directories=(Directory(path="/d"),), files=(File(path="/f"),), links=(Link(path="/l", target="x"),)
    )
    waves, _ = run(nodes.plan, Config(storage=storage), world)
    assert [(action.title, action.config_path) for action in actions(waves)] == [
        ("keep directory /d: it already matches the config", ("storage", "directories", 0)),
        ("keep file /f: it already matches the config", ("storage", "files", 0)),
        ("keep link /l: it already matches the config", ("storage", "links", 0)),
    ]


def test_what_is_written_again_is_not_lost() -> None:
    world = World().with_file("/same", b"hello").with_file("/other", b"olleh").with_link("/l", "x")
    files = tuple(File(path=path, contents=HELLO, overwrite=True) for path in ("/same", "/other"))
    made = planned(world, files=files, links=(Link(path="/l", target="x", overwrite=True),))
    assert [action.destroys for action in made] == ["", "file /other", ""]


@pytest.mark.parametrize("number", [-1, (1 << 32) - 1, 99999999999])
def test_an_id_out_of_range_is_refused(number: int) -> None:
    assert "out of range" in refused(World(), files=(File(path="/f", contents=HELLO, user=Owner(id=number)),))


def test_contents_that_decompress_to_more_than_memory_should_hold_are_refused() -> None:
    """Each file is small in the config, and alone within the limit; together they exceed it. The rest is not read."""
    source = f"data:;base64,{b64encode(gzip.compress(bytes(25 << 20))).decode()}"
    packed = Resource(source=source, compression="gzip")
    wrong = Resource(source="data:,no-gzip", compression="gzip")
    files = (*(File(path=f"/{number}", contents=packed) for number in range(50)), File(path="/no", contents=wrong))
    assert refused(World(), files=files) == (
        "storage.files[2]: gzip: all contents in a config may decompress to 64 MiB; fetch this one from a URL\n"
        "storage.files[50]: not a gzip stream, or a damaged one"
    )


def test_a_link_to_what_is_made_on_the_way() -> None:
    """An absolute target is not looked for in the root, as in Ignition."""
    file = File(path="/opt/app/x", contents=HELLO)
    link = Link(path="/usr/app", target="/opt/app")
    near = Link(path="/opt/link", target="app")
    made = [action for action in planned(World(), files=(file,), links=(link, near)) if isinstance(action, MakeSymlink)]
    assert [(one.path, one.uid) for one in made] == [("/usr/app", 0), ("/opt/link", 0)]


def test_nothing_goes_below_a_file_or_link_of_the_same_config() -> None:
    for above in ({"files": (File(path="/a", contents=HELLO),)}, {"links": (Link(path="/a", target="/b"),)}):
        why = refused(World(), directories=(Directory(path="/a/b/c"),), **above)
        assert "/a is not a directory" in why


@pytest.mark.parametrize("world", [World().with_file("/d"), World().with_link("/d", "/e").with_directory("/e")])
def test_a_directory_in_the_place_of_something_else_can_be_filled(world: World) -> None:
    made = planned(
        world, directories=(Directory(path="/d", overwrite=True),), files=(File(path="/d/c", contents=HELLO),)
    )
    assert [action.title for action in made] == ["remove /d", "make directory /d (0755)", "write /d/c (0644)"]


def test_a_hard_link_stays_on_its_file_system() -> None:
    world = World().with_file("/a").with_directory("/data")
    link = Link(path="/data/deep/b", target="/a", hard=True)
    assert len(planned(world, links=(link,))) == 1
    world.mounts["/data"] = MountedFilesystem("/data", "/dev/vda1", "ext4")
    assert refused(world, links=(link,)).startswith("storage.links[0]: hard link target /a is on another file system")
    assert len(planned(world.with_file("/data/a"), links=(link.changed(target="/data/a"),))) == 1


@pytest.mark.parametrize("hard", [True, False])
def test_some_file_systems_have_no_links(hard: bool) -> None:
    world = World().with_file("/efi/a")
    link = Link(path="/efi/b", target="/efi/a", hard=hard)
    assert len(planned(world, links=(link,))) == 1
    world.mounts["/efi"] = MountedFilesystem("/efi", "/dev/vda1", "vfat")
    assert refused(world, links=(link,)) == "storage.links[0]: the file system at /efi is vfat, which has no links"
