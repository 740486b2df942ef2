"""Where the record of a first boot is, on systems whose boots do not share one root file system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from provision.boot.factory_reset import FACTORY
from provision.boot.records.completion_record import RECORD, SHARED_RECORD, Place
from provision.boot.records.content import new_record
from provision.boot.records.copies import recorded_copy
from provision.boot.records.firmware_record import SIZE, VARIABLE
from provision.boot.records.machine_identity import machine_identity
from provision.system.block import signatures
from provision.system.running_system.local_system import LocalSystem
from tests.real.disks.loop_devices import blank, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")]

SCRIPT = """
mount --make-rprivate / 2>/dev/null || :
mount -t tmpfs run /run
mount -t tmpfs firmware /sys/firmware
if [ -d "$VARIABLES" ]; then
    mkdir -p /sys/firmware/efi/efivars
    mount --bind "$VARIABLES" /sys/firmware/efi/efivars
    mount -o "remount,bind,$MODE" /sys/firmware/efi/efivars
fi
exec "$@"
"""


def firstboot(folder: Path, command_line: str, *words: str, mode: str = "rw") -> subprocess.CompletedProcess[str]:
    """The program of our units with this kernel command line (see in_namespace)."""
    (folder / "cmdline").write_text(f"ignition.platform.id=metal provision.firstboot=auto {command_line}\n")
    return in_namespace(folder, str(program(folder)), *words, mode=mode)


def program(folder: Path) -> Path:
    """`provision-firstboot`, as a file in a folder."""
    path = folder / "provision-firstboot"
    path.write_text(f"#!{sys.executable} -I\nfrom provision.cli import main\nmain()\n")
    path.chmod(0o755)
    return path


def in_namespace(folder: Path, *argv: str, mode: str = "rw") -> subprocess.CompletedProcess[str]:
    """Run a program with a /run of its own.

    If there is a folder `variables`, it is in the place of efivarfs, mounted with `mode`. Else EFI has not started this
    machine.
    """
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "unchanged", "sh", "-euc", SCRIPT, "sh", *argv],
        env={
            **os.environ,
            "IGNITION_KERNEL_CMDLINE_PATH": str(folder / "cmdline"),
            "VARIABLES": str(folder / "variables"),
            "MODE": mode,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def is_first(folder: Path, command_line: str) -> bool:
    looked = firstboot(folder, command_line, "look")
    assert looked.returncode == 0, looked.stderr
    said = {"this is a first boot", "this machine is provisioned already"} & set(looked.stdout.splitlines())
    return said == {"this is a first boot"}


def record(folder: Path, command_line: str) -> None:
    """What the last unit does, with an empty directory as the root of the system."""
    root = folder / "root"
    (root / "etc").mkdir(parents=True, exist_ok=True)
    done = firstboot(folder, command_line, "record", str(root))
    assert done.returncode == 0, done.stderr
    assert list((root / "etc").iterdir()) == [], "the record went to one of several roots"


@pytest.mark.parametrize("mkfs", [("mkfs.ext4", "-q", "-F"), ("mkfs.vfat",)])
def test_slots_share_a_file_system_that_is_named(mkfs: tuple[str, ...], tmp_path: Path) -> None:
    """A data partition or the EFI system partition; the config of the first boot may make its file system."""
    if (
        shutil.which(mkfs[0]) is None
        or mkfs[0].removeprefix("mkfs.") not in Path("/proc/filesystems").read_text().split()
    ):
        pytest.skip(f"{mkfs[0]} is not installed, or the kernel has not its file system")
    with loop(blank(tmp_path / "data.img", 64 << 20)) as node:
        slots = [f"root=PARTLABEL=slot-{name} provision.firstboot.device={node}" for name in "ab"]
        assert is_first(tmp_path, slots[0])
        subprocess.run([*mkfs, node], check=True, stdout=subprocess.DEVNULL)
        assert is_first(tmp_path, slots[0])
        record(tmp_path, slots[0])
        assert [is_first(tmp_path, slot) for slot in slots] == [False, False]


def test_a_name_that_leads_to_one_path_of_the_disk_is_followed_to_the_device_of_all_paths(tmp_path: Path) -> None:
    """multipathd takes the path while the boot looks, and udev changes the name."""
    name = Path(f"/dev/provision-test-{os.getpid()}")
    with loop(blank(tmp_path / "path.img", 64 << 20)) as path, loop(blank(tmp_path / "disk.img", 64 << 20)) as disk:
        subprocess.run(["mkfs.ext4", "-q", disk], check=True)
        record(tmp_path, f"root=/dev/none provision.firstboot.device={disk}")
        subprocess.run(["mkfs.ext4", "-q", path], check=True)
        name.symlink_to(path)
        moved = Path(f"{name}-new")
        moved.symlink_to(disk)
        udev = Timer(2, lambda: moved.rename(name))
        taken = os.open(path, os.O_RDONLY | os.O_EXCL)
        udev.start()
        try:
            assert not is_first(tmp_path, f"root=/dev/none provision.firstboot.device={name}")
        finally:
            os.close(taken)
            udev.join()
            name.unlink()


EFIVAR = "root=tmpfs provision.firstboot.device=efivar"


@pytest.fixture
def variable(tmp_path: Path) -> Path:
    """The file of the record in a firmware without one."""
    (tmp_path / "variables").mkdir()
    return tmp_path / "variables" / VARIABLE.name


def said(variable: Path) -> dict[str, Any]:
    """The record in the firmware."""
    whole = variable.read_bytes()
    assert (whole[:4], len(whole)) == (b"\x07\0\0\0", 4 + SIZE)
    found: dict[str, Any] = json.loads(whole[4:])
    return found


def test_roots_in_memory_share_a_variable_of_the_firmware(tmp_path: Path, variable: Path) -> None:
    assert is_first(tmp_path, EFIVAR)
    assert said(variable)["finished"] == 0
    begun = variable.stat()
    assert is_first(tmp_path, EFIVAR), "an interrupted first boot goes on"
    assert variable.stat().st_mtime_ns == begun.st_mtime_ns, "it writes nothing: firmware wears out"
    record(tmp_path, EFIVAR)
    assert said(variable)["finished"] > 0
    finished = variable.stat()
    assert not is_first(tmp_path, EFIVAR)
    assert not is_first(tmp_path, EFIVAR.replace("tmpfs", "LABEL=other"))
    assert variable.stat().st_mtime_ns == finished.st_mtime_ns
    argv = [sys.executable, "-m", "provision", "clean", "--root", str(tmp_path / "root"), "--record-device", "efivar"]
    for shown in (f"removed the record in the EFI variable {VARIABLE.name}\n", ""):
        cleaned = in_namespace(tmp_path, *argv)
        assert (cleaned.returncode, cleaned.stdout) == (0, shown), cleaned.stderr
    assert is_first(tmp_path, EFIVAR)


def test_without_variables_of_efi_nothing_is_cleaned(tmp_path: Path) -> None:
    machine_id = tmp_path / "root/etc/machine-id"
    machine_id.parent.mkdir(parents=True)
    machine_id.write_text("1\n")
    root = str(tmp_path / "root")
    argv = [sys.executable, "-m", "provision", "clean", "--root", root, "--record-device", "efivar"]
    done = in_namespace(tmp_path, *argv)
    assert (done.returncode, machine_id.read_text()) == (1, "1\n")
    assert "this machine was not started by EFI" in done.stderr


def test_a_machine_that_is_provisioned_again_has_no_finished_record_meanwhile(tmp_path: Path, variable: Path) -> None:
    record(tmp_path, EFIVAR)
    assert is_first(tmp_path, f"{EFIVAR} ignition.firstboot")
    assert said(variable)["finished"] == 0
    assert is_first(tmp_path, EFIVAR)


BEGIN = """
import os
from provision.boot.first_boot import decide
from provision.boot.records import earlier_record
from provision.fetch.running_system import SystemPaths
from provision.system.running_system.local_system import LocalSystem
running_system = LocalSystem(SystemPaths.of(os.environ))
assert decide(running_system)
if os.path.exists(earlier_record.EARLIER_RECORD):
    earlier_record.replace(running_system)
"""


def begin(folder: Path, command_line: str) -> subprocess.CompletedProcess[str]:
    """A first boot until the first change."""
    (folder / "cmdline").write_text(f"ignition.platform.id=metal {command_line}\n")
    return in_namespace(folder, sys.executable, "-c", BEGIN)


AUTO = "provision.firstboot=auto"


def provisioned(folder: Path, name: str, machine: str = "") -> Path:
    """An image of a file system with a record at a path."""
    tree = folder / "tree"
    path = tree / name.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"machine": machine, "finished": 1}))
    image = blank(folder / "disk.img", 64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", tree, image], check=True)
    return image


PLACES = {
    "root=NODE": RECORD,
    "root=/dev/none provision.firstboot.device=NODE": "/.provision-complete.json",
    "root=NODE ostree=/ostree/boot.1/debian/1/0": f"/ostree/deploy/debian{SHARED_RECORD}",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_first_boot_that_was_asked_for_once_replaces_the_record_when_it_begins(place: str, tmp_path: Path) -> None:
    with loop(provisioned(tmp_path, PLACES[place])) as node:
        line = place.replace("NODE", node)
        assert not is_first(tmp_path, line)
        assert is_first(tmp_path, f"{line} ignition.firstboot")
        assert not is_first(tmp_path, line), "a boot that stopped before the first change leaves the record"
        begun = begin(tmp_path, f"{line} {AUTO} ignition.firstboot")
        assert (begun.returncode, begun.stderr) == (0, "")
        assert f"{PLACES[place]} on {node} says now that a first boot has begun" in begun.stdout
        assert is_first(tmp_path, line), "an interrupted first boot goes on without the argument"
        again = begin(tmp_path, f"{line} {AUTO} ignition.firstboot")
        assert (again.returncode, "says now" in again.stdout) == (0, False), "it is replaced once"


SUBVOLUME = """
mkdir -p mounted
mount "$1" mounted
btrfs subvolume create mounted/root
mkdir mounted/root/etc mounted/root/ostree
umount mounted
"""


@pytest.fixture
def subvolume(tmp_path: Path) -> Iterator[str]:
    """The node of a btrfs, whose subvolume `root` has the number 256."""
    if shutil.which("mkfs.btrfs") is None or "btrfs" not in Path("/proc/filesystems").read_text().split():
        pytest.skip("mkfs.btrfs is not installed, or the kernel has not its file system")
    with loop(blank(tmp_path / "disk.img", 256 << 20)) as node:
        subprocess.run(["mkfs.btrfs", "-q", node], check=True)
        argv = ["unshare", "--mount", "sh", "-euc", SUBVOLUME, "sh", node]
        subprocess.run(argv, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
        yield node


@pytest.mark.parametrize("flags", ["rootflags=subvol=root rootflags=noatime", "rootflags=subvolid=256"])
def test_a_record_in_a_subvolume_is_found_and_replaced_as_systemd_mounts_it(
    flags: str, subvolume: str, tmp_path: Path
) -> None:
    """Of several rootflags= all count."""
    line = f"root={subvolume} {flags}"
    assert is_first(tmp_path, line)
    write = [
        "unshare",
        "--mount",
        "sh",
        "-euc",
        f"mount -o subvol=root {subvolume} mounted; echo {{}} >mounted{RECORD}",
    ]
    subprocess.run(write, check=True, cwd=tmp_path)
    assert not is_first(tmp_path, line)
    begun = begin(tmp_path, f"{line} {AUTO} ignition.firstboot")
    assert (begun.returncode, begun.stderr) == (0, "")
    assert is_first(tmp_path, line), "an interrupted first boot goes on"


def test_a_system_of_ostree_in_a_subvolume_has_the_record_there(subvolume: str, tmp_path: Path) -> None:
    line = f"root={subvolume} rootflags=subvol=root ostree=/ostree/boot.1/debian/1/0"
    assert is_first(tmp_path, line)
    make = f"mount -o subvol=root {subvolume} mounted; mkdir -p mounted/ostree/deploy/debian/var"
    subprocess.run(["unshare", "--mount", "sh", "-euc", make], check=True, cwd=tmp_path)
    record(tmp_path, line)
    assert not is_first(tmp_path, line)
    assert is_first(tmp_path, line.replace("subvol=root", "noatime")), "it is not at the top of the file system"


@pytest.mark.parametrize("argument", ["ignition.firstboot", f"{AUTO} provision.reset=yes"])
def test_a_first_boot_that_needs_no_note_leaves_the_record(argument: str, tmp_path: Path) -> None:
    """The boot loader has a stamp, or the reset removes the record itself."""
    with loop(provisioned(tmp_path, RECORD)) as node:
        begun = begin(tmp_path, f"root={node} {argument}")
        assert (begun.returncode, begun.stderr) == (0, "")
        assert not is_first(tmp_path, f"root={node}")


def test_a_record_of_another_machine_is_replaced_too(tmp_path: Path) -> None:
    if not machine_identity(LocalSystem()):
        pytest.skip("the firmware of this machine gives no identity")
    with loop(provisioned(tmp_path, RECORD, "another")) as node:
        begun = begin(tmp_path, f"root={node} {AUTO} provision.firstboot.record=ignore")
        assert (begun.returncode, begun.stderr) == (0, "")
        assert is_first(tmp_path, f"root={node}"), "the next boot does not stop for a decision that was made"


def test_a_record_that_cannot_be_replaced_stops_the_boot_before_the_first_change(tmp_path: Path) -> None:
    image = provisioned(tmp_path, RECORD)
    before = image.read_bytes()
    argv = ["losetup", "--find", "--show", "--read-only", str(image)]
    node = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    try:
        begun = begin(tmp_path, f"root={node} {AUTO} ignition.firstboot")
    finally:
        subprocess.run(["losetup", "--detach", node], check=True)
    assert begun.returncode == 1
    assert f"({RECORD} on {node}) cannot be replaced:" in begun.stderr
    assert image.read_bytes() == before


def test_what_cannot_be_mounted_has_no_record(tmp_path: Path) -> None:
    """A person who asks for a first boot may have a reason to."""
    with loop(blank(tmp_path / "disk.img", 64 << 20)) as node:
        line = f"root={node} {AUTO} ignition.firstboot provision.firstboot.wait=0"
        assert begin(tmp_path, line).returncode == 0
        assert begin(tmp_path, line.replace(node, "/dev/none")).returncode == 0
        assert begin(tmp_path, line.replace(node, "tmpfs")).returncode == 0


RESET = """
import sys
from tests.boot.test_factory_reset import Path, reset
reset(Path(sys.argv[1]), sys.argv[2])
"""


def test_a_reset_that_has_not_begun_leaves_the_record(tmp_path: Path, variable: Path) -> None:
    """An interrupted one goes on without the kernel argument."""
    before = b'\x07\0\0\0{"boot": "an earlier one", "finished": 1}'
    variable.write_bytes(before)
    assert is_first(tmp_path, f"{EFIVAR} provision.reset=yes")
    assert variable.read_bytes() != before, "what shows that the firmware can be written has to be new"
    assert not is_first(tmp_path, EFIVAR)
    do_reset(tmp_path, EFIVAR)
    assert is_first(tmp_path, EFIVAR)


def do_reset(folder: Path, command_line: str) -> None:
    """The step `reset` of a boot with its kernel argument, on a small root."""
    root = folder / "reset"
    passwd = root / "usr/share/factory/etc/passwd"
    passwd.parent.mkdir(parents=True)
    passwd.touch()
    done = in_namespace(folder, sys.executable, "-c", RESET, str(root), f"{command_line} provision.reset=yes")
    assert done.returncode == 0, done.stderr
    assert (root / "etc/passwd").exists()


def test_a_reset_removes_the_record_from_a_file_system_that_is_named(tmp_path: Path) -> None:
    """Interrupted after that, it goes on without the kernel argument."""
    with loop(blank(tmp_path / "data.img", 64 << 20)) as node:
        subprocess.run(["mkfs.ext4", "-q", node], check=True)
        slot = f"root=PARTLABEL=slot-a provision.firstboot.device={node}"
        record(tmp_path, slot)
        assert not is_first(tmp_path, slot)
        do_reset(tmp_path, slot)
        assert is_first(tmp_path, slot)


@pytest.mark.parametrize("argument", ["", "ignition.firstboot", "provision.reset=yes"])
def test_a_firmware_that_cannot_have_the_record_stops_the_boot_before_it_begins(
    argument: str, tmp_path: Path, variable: Path
) -> None:
    read_only = firstboot(tmp_path, f"{EFIVAR} {argument}", "look", mode="ro")
    assert (read_only.returncode, variable.exists()) == (1, False)
    assert f"EFI variable {VARIABLE.name} cannot be written: Read-only file system" in read_only.stderr
    variable.parent.rmdir()
    without_efi = firstboot(tmp_path, f"{EFIVAR} {argument}", "look")
    assert without_efi.returncode == 1
    assert "there is no /sys/firmware/efi/efivars: this machine was not started by EFI" in without_efi.stderr


@pytest.mark.parametrize("argument", ["", "ignition.firstboot", "provision.reset=yes"])
def test_a_place_that_is_none_stops_the_boot_before_it_begins(argument: str, tmp_path: Path) -> None:
    looked = firstboot(tmp_path, f"{argument} root=/dev/none provision.firstboot.device=efivars", "look")
    assert looked.returncode == 1
    assert "provision.firstboot.device=efivars is not a block device" in looked.stderr


@pytest.mark.skipif(shutil.which("ostree") is None, reason="ostree is not installed")
def test_deployments_of_ostree_share_var(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("usr/lib/modules/6.1/vmlinuz", "usr/lib/modules/6.1/initramfs.img", "usr/etc/fstab"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "usr/lib/os-release").write_text("ID=debian\nPRETTY_NAME=Debian\n")
    (tree / "usr/etc/os-release").symlink_to("../lib/os-release")
    sysroot = tmp_path / "sysroot"
    sysroot.mkdir()
    ostree("admin", "init-fs", str(sysroot))
    ostree("admin", f"--sysroot={sysroot}", "os-init", "debian")
    lines = []
    for version in ("first", "second"):
        (tree / "usr/version").write_text(version)
        (tree / "usr/lib/modules/6.1/vmlinuz").write_text(f"kernel of the {version}")
        ostree(f"--repo={sysroot}/ostree/repo", "commit", "--branch=debian", f"--tree=dir={tree}")
        ostree("admin", f"--sysroot={sysroot}", "deploy", "--os=debian", "debian")
        entries = (sysroot / "boot/loader/entries").glob("*.conf")
        words = next(entry for entry in sorted(entries, reverse=True)).read_text().split()
        lines.append(next(word for word in words if word.startswith("ostree=")))
    image = blank(tmp_path / "root.img", 64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", sysroot, image], check=True)
    with loop(image) as node:
        first, second = (f"root={node} {line}" for line in lines)
        assert first != second
        assert is_first(tmp_path, first)
        record(tmp_path, first)
        assert [is_first(tmp_path, one) for one in (first, second)] == [False, False]
    path = "/ostree/deploy/debian/var/.provision-complete.json"
    shown = subprocess.run(["debugfs", "-R", f"cat {path}", image], capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["finished"]


def ostree(*words: str) -> None:
    """A command of OSTree, which else makes deployments immutable, so that the test could not remove them."""
    environment = {**os.environ, "OSTREE_SYSROOT_DEBUG": "mutable-deployments"}
    subprocess.run(["ostree", *words], check=True, capture_output=True, env=environment)


@pytest.mark.parametrize(("has_factory", "code"), [(True, 0), (False, 1)])
def test_a_reset_that_would_be_refused_stops_the_boot_before_the_disks_stage(
    has_factory: bool, code: int, tmp_path: Path
) -> None:
    system = tmp_path / "system"
    factory = system / "usr/share/factory/etc"
    factory.mkdir(parents=True)
    if has_factory:
        (factory / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    with loop(blank(tmp_path / "root.img", 64 << 20)) as node:
        subprocess.run(["mkfs.ext4", "-q", "-d", system, node], check=True)
        looked = firstboot(tmp_path, f"root={node} provision.reset=yes", "look")
        assert looked.returncode == code, looked.stderr
    refused = f"the system cannot make /etc again: it has no {FACTORY}/etc/passwd; nothing was removed" in looked.stderr
    assert (refused, "this is a first boot" in looked.stdout) == (not has_factory, has_factory)


@pytest.mark.parametrize("flags", ["subvol=rot", "subvolid=999", "subvol=root,inode_cahce"])
def test_a_subvolume_that_cannot_be_mounted_leaves_it_unknown_whether_there_is_a_record(
    flags: str, subvolume: str, tmp_path: Path
) -> None:
    """At the top of the file system there is none, and a machine in use would be provisioned again."""
    looked = firstboot(tmp_path, f"root={subvolume} rootflags={flags}", "look")
    assert looked.returncode == 1
    assert "this is a first boot" not in looked.stdout
    assert f"{subvolume}: cannot be mounted: " in looked.stderr
    assert f"(rootflags={flags}); it is unknown whether this machine is provisioned" in looked.stderr


def root_with_etc(folder: Path, etc: str) -> Path:
    """An image of a root file system without a record of its own: `etc` says what is in the place of /etc."""
    tree = folder / "tree"
    (tree / "real-etc").mkdir(parents=True)
    if etc == "/real-etc/file":
        (tree / "real-etc/file").touch()
    if etc == "file":
        (tree / "etc").write_text("")
    elif etc == "linked record":
        (tree / "etc").mkdir()
        (tree / RECORD[1:]).symlink_to("/data/record")
    else:
        (tree / "etc").symlink_to(etc)
    image = blank(folder / "disk.img", 64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", tree, image], check=True)
    return image


MOUNTED = "another file system is mounted first"


@pytest.mark.parametrize(
    ("etc", "why"),
    [
        ("linked record", f"{RECORD} is a link to /data/record; nothing is there, unless {MOUNTED}"),
        ("/data/etc", f"/etc is a link to /data/etc; no directory is there, unless {MOUNTED}"),
        ("/real-etc/file", f"/etc is a link to /real-etc/file; no directory is there, unless {MOUNTED}"),
        ("file", "/etc is not a directory"),
    ],
)
def test_a_record_to_which_the_way_is_broken_is_not_missing(etc: str, why: str, tmp_path: Path) -> None:
    """It may be on a file system that is not mounted yet."""
    with loop(root_with_etc(tmp_path, etc)) as node:
        looked = firstboot(tmp_path, f"root={node}", "look")
    assert looked.returncode == 1
    assert "this is a first boot" not in looked.stdout
    assert f"{why}; it is unknown whether this machine is provisioned" in looked.stderr
    assert "name the file system with the record by provision.firstboot.device=" in looked.stderr


@pytest.mark.parametrize("etc", ["real-etc", "/real-etc"])
def test_a_record_is_written_where_a_linked_folder_leads(etc: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with loop(root_with_etc(tmp_path, etc)) as node:
        line = f"root={node}"
        assert is_first(tmp_path, line)
        subprocess.run(["mount", node, root], check=True)
        try:
            (root / "real-etc/.provision-journal").write_text("")
            done = firstboot(tmp_path, line, "record", str(root))
            left = sorted(os.listdir(root / "real-etc"))
        finally:
            subprocess.run(["umount", root], check=True)
        assert (done.returncode, left) == (0, [RECORD.rpartition("/")[2]]), done.stderr
        assert not is_first(tmp_path, line)


def test_a_report_that_cannot_be_saved_does_not_take_the_place_of_the_cause(tmp_path: Path) -> None:
    script = """
        cp -a /etc /run/etc
        touch /run/etc/initrd-release
        mount --bind /run/etc /etc
        mkdir /run/provision
        mount -t tmpfs -o ro,size=4k tiny /run/provision
        exec "$@"
    """
    (tmp_path / "cmdline").write_text("provision.firstboot=nonsense\n")
    looked = in_namespace(tmp_path, "sh", "-euc", script, "sh", str(program(tmp_path)), "look")
    assert looked.returncode == 1
    *_, unsaved, cause, _hint = looked.stderr.splitlines()
    assert unsaved == "the report of this failure cannot be saved: /run/provision/failure: Read-only file system"
    assert "provision.firstboot=nonsense is unknown" in cause


def test_options_for_the_root_that_the_config_will_make_may_not_fit_the_one_that_is_there(tmp_path: Path) -> None:
    with loop(provisioned(tmp_path, "/etc/hostname")) as node:
        assert is_first(tmp_path, f"root={node} rootflags=subvol=/,compress=zstd")


@pytest.mark.parametrize(
    ("finished", "same", "stops"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_a_fresh_copy_of_a_recorded_root_is_not_provisioned(
    finished: bool, same: bool, stops: bool, tmp_path: Path
) -> None:
    """udev gives the name of both to one of them."""
    system = LocalSystem()
    record_file = tmp_path / "system" / RECORD[1:]
    record_file.parent.mkdir(parents=True)
    record_file.write_bytes(new_record(system, finished=finished))
    label = "root" if same else "other"
    with loop(blank(tmp_path / "copy.img", 64 << 20)) as copy, loop(blank(tmp_path / "root.img", 64 << 20)) as root:
        subprocess.run(["mkfs.ext4", "-q", "-L", "root", copy], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-L", label, "-d", tmp_path / "system", root], check=True)
        disks = [(node, signatures.probe(node)) for node in (copy, root)]
        found = recorded_copy(copy, (Place(RECORD),), disks, machine_identity(system), system)
    assert found == (root if stops else "")
