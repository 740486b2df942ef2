"""What can be written in a deployment of OSTree, by the layout that ostree-prepare-root makes."""

from __future__ import annotations

import pytest

from provision.boot.root.deployment_layout import deployment_folder, layout, next_command_line, refusals
from provision.config.format import (
    Config,
    Directory,
    File,
    Filesystem,
    KernelArguments,
    Link,
    Owner,
    Passwd,
    Storage,
    User,
)
from tests.stages.world import World

FOLDER = f"/ostree/deploy/debian/deploy/{'e' * 64}.0"
COMMAND_LINE = "root=LABEL=root rw ostree=/ostree/boot.1/debian/e748/0"
LINKS = {
    "lib": "usr/lib",
    "usr/local": "../var/usrlocal",
    "opt": "var/opt",
    "home": "var/home",
    "tmp": "sysroot/tmp",
    "ostree": "sysroot/ostree",
}
COMPOSEFS = "[composefs]\nenabled = true\n"


def physical(*, bound_boot: bool = True, readonly: bool = True) -> World:
    """A physical root with a deployment; /boot is a part of it, or a file system of its own."""
    world = World().with_directory("/tmp").with_directory("/boot").with_directory(f"{FOLDER}/usr/lib")
    for name in ("boot", "dev", "etc", "sysroot", "var"):
        world = world.with_directory(f"{FOLDER}/{name}")
    for name, target in LINKS.items():
        world = world.with_link(f"{FOLDER}/{name}", target)
    if bound_boot:
        world = world.with_directory("/boot/loader.1").with_link("/boot/loader", "loader.1")
    world = world.with_directory("/ostree/deploy/debian/var/opt")
    world = world.with_link("/ostree/boot.1", "boot.1.1")
    world = world.with_link("/ostree/boot.1.1/debian/e748/0", f"../../../deploy/debian/deploy/{'e' * 64}.0")
    return world.with_file("/ostree/repo/config", b"[sysroot]\nreadonly=true\n" if readonly else b"[core]\n")


def refused(config: Config, disk: World, settings: str = "", command_line: str = COMMAND_LINE) -> list[str]:
    return [one.message for one in refusals(config, layout(disk, FOLDER, command_line, settings))]


def file(path: str) -> Config:
    return Config(storage=Storage(files=(File(path=path),)))


USR = "on /usr, which is read-only in a deployment of OSTree"
NEW = "in this deployment of OSTree, and nothing can be made in its /"
SYSROOT = "on /sysroot, which is read-only in this deployment of OSTree (sysroot.readonly)"
IMAGE = "on /, which is read-only in a deployment of OSTree with composefs"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/usr/share/own", USR),
        ("/lib/own", USR),
        ("/data/own", NEW),
        ("/data", NEW),
        ("/sysroot/own", SYSROOT),
        ("/tmp/own", SYSROOT),
        ("/boot/own", ""),
        ("/usr/local/bin/own", ""),
        ("/opt/own", ""),
        ("/etc/own", ""),
        ("/var/own", ""),
        ("/dev/own", ""),
    ],
)
def test_a_deployment_without_composefs_refuses_what_is_read_only_in_it(path: str, told: str) -> None:
    found = refused(file(path), physical())
    assert [one.endswith(told) for one in found] == ([True] if told else [])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/boot/own", IMAGE),
        ("/dev/own", IMAGE),
        ("/data/own", NEW),
        ("/usr/own", USR),
        ("/sysroot/own", SYSROOT),
        ("/usr/local/bin/own", ""),
        ("/etc/own", ""),
        ("/var/own", ""),
    ],
)
def test_with_composefs_only_what_is_mounted_can_be_written(path: str, told: str) -> None:
    found = refused(file(path), physical(bound_boot=False, readonly=False), COMPOSEFS)
    assert [one.endswith(told) for one in found] == ([True] if told else [])


def test_boot_can_be_written_where_it_is_mounted() -> None:
    separate = physical(bound_boot=False)
    assert refused(file("/boot/own"), physical(), COMPOSEFS) == []
    assert refused(file("/boot/own"), separate) == []
    storage = Storage(files=(File(path="/boot/own"),), filesystems=(Filesystem(device="/dev/vda1", path="/boot"),))
    assert refused(Config(storage=storage), separate, COMPOSEFS) == []
    inside = Filesystem(device="/dev/vda2", path="/boot/efi")
    assert (
        refused(Config(storage=storage.changed(filesystems=(inside, *storage.filesystems))), separate, COMPOSEFS) == []
    )
    assert len(refused(Config(storage=Storage(filesystems=(inside,))), separate, COMPOSEFS)) == 1
    found = layout(separate, FOLDER, COMMAND_LINE, COMPOSEFS)
    assert list(refusals(file("/boot/own"), found, ["/boot"])) == []


def test_boot_is_bound_only_where_the_deployment_has_that_directory() -> None:
    disk = physical()
    del disk.nodes[f"{FOLDER}/boot"]
    assert refused(file("/boot/own"), disk) == [f"there is no /boot {NEW}"]


@pytest.mark.parametrize(
    ("settings", "arguments", "image", "is_used"),
    [
        ("", "", True, False),
        ("[composefs]\nenabled=maybe\n", "", True, True),
        ("[composefs]\nenabled=maybe\n", "", False, False),
        ("[composefs]\nenabled=signed\n", "", True, True),
        ("", "ostree.prepare-root.composefs=1", True, True),
        (COMPOSEFS, "ostree.prepare-root.composefs=0", True, False),
        ("[root]\ntransient=true\n" + COMPOSEFS, "", True, False),
    ],
)
def test_composefs_is_known_by_its_settings(settings: str, arguments: str, image: bool, is_used: bool) -> None:
    disk = physical(bound_boot=False)
    if image:
        disk = disk.with_file(f"{FOLDER}/.ostree.cfs")
    assert bool(refused(file("/boot/own"), disk, settings, f"{COMMAND_LINE} {arguments}")) == is_used


def test_sysroot_is_read_only_by_either_setting() -> None:
    writable = physical(readonly=False)
    assert refused(file("/sysroot/own"), writable) == []
    assert refused(file("/sysroot/own"), writable, "[sysroot]\nreadonly=true\n") != []
    assert refused(file("/sysroot/own"), writable, f"{COMPOSEFS}[sysroot]\nreadonly=false\n") == []
    # with composefs the repository does not count
    assert refused(file("/sysroot/own"), physical(), f"{COMPOSEFS}[sysroot]\nreadonly=false\n") == []


@pytest.mark.parametrize(
    ("arguments", "writable"),
    [("rw", True), ("rw ro", False), ("", False), ("rootflags=noatime,rw", True), ("ro rootflags=rw", False)],
)
def test_without_rw_the_physical_root_stays_read_only(arguments: str, writable: bool) -> None:
    disk = physical(readonly=False)
    for path in ("/boot/own", "/sysroot/own"):
        assert (refused(file(path), disk, "", arguments) == []) == writable
    assert refused(file("/etc/own"), disk, "", arguments) == []


def test_kernel_arguments_of_the_config_are_there_before_files_are_written() -> None:
    changed = KernelArguments(should_exist=("rw", "a=b"), should_not_exist=("ro", "a=c"))
    assert next_command_line("ro a=c quiet", Config(kernel_arguments=changed)) == "quiet rw a=b"


def test_an_overlay_takes_everything_that_it_covers() -> None:
    paths = ("/data/own", "/usr/own", "/boot/own")
    config = Config(storage=Storage(files=tuple(File(path=path) for path in paths)))
    transient = "[composefs]\nenabled = true\n\n[root]\ntransient = true\n"
    assert refused(config, physical(bound_boot=False), transient) == []
    # ostree admin unlock --hotfix
    assert len(refused(config, physical().with_directory(f"{FOLDER}/.usr-ovl-work"))) == 1


def test_every_kind_of_path_is_looked_at_and_named() -> None:
    storage = Storage(
        files=(File(path="/usr/a"),),
        links=(Link(path="/lib64", target="/x"), Link(path="/usr/b", target="/x")),
        filesystems=(Filesystem(device="/dev/vdb", path="/srv2"), Filesystem(device="/dev/vdc")),
    )
    users = (User(name="a", home_dir="/usr/a"), User(name="b", home_dir="/usr/b", no_create_home=True), User(name="c"))
    config = Config(storage=storage, passwd=Passwd(users=users))
    found = refusals(config, layout(physical(), FOLDER, COMMAND_LINE, ""))
    assert [one.path for one in found] == [
        ("storage", "filesystems", 0, "path"),
        ("storage", "files", 0, "path"),
        ("storage", "links", 0, "path"),
        ("storage", "links", 1, "path"),
        ("passwd", "users", 0, "homeDir"),
    ]


def test_what_exists_already_is_not_refused() -> None:
    kept = (Directory(path="/usr/lib"), Directory(path="/"), Directory(path="/boot"))
    mounted = (Filesystem(device="/dev/vdb", path="/usr/lib"),)
    users = (User(name="a", home_dir="/"), User(name="b", home_dir="/usr/lib"))
    storage = Storage(directories=kept, files=(File(path="/lib/own"),), filesystems=mounted)
    config = Config(storage=storage, passwd=Passwd(users=users))
    assert refused(config, physical(bound_boot=False), COMPOSEFS) == []


def test_keys_in_a_home_that_is_read_only_are_refused() -> None:
    user = User(name="a", home_dir="/", ssh_authorized_keys=("ssh-ed25519 AAAA",))
    assert len(refused(Config(passwd=Passwd(users=(user,))), physical(), COMPOSEFS)) == 1
    changed = (
        Directory(path="/usr/lib", mode=0o700),
        Directory(path="/lib/.", user=Owner(id=1)),
        Directory(path="/usr/a"),
    )
    assert len(refused(Config(storage=Storage(directories=changed)), physical())) == 3


def test_the_deployment_is_found_by_the_link_that_the_boot_loader_names() -> None:
    disk = physical()
    assert deployment_folder(disk, COMMAND_LINE) == FOLDER
    assert deployment_folder(disk, "ostree=/ostree/boot.0/debian/e748/0") is None
    assert deployment_folder(disk, "ostree=/boot") is None
    assert deployment_folder(disk, "ostree=/ostree/../../../boot/loader") is None
    assert deployment_folder(disk, "quiet") is None
