"""Images as devices: attached, partitioned, formatted, mounted, written, and always detached at the end."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provision.failures import ActionFailed
from provision.planning.actions import Mount, RunProgram, Unmount, WritePartitionTable
from provision.planning.arguments import Content, DeviceName
from provision.planning.boot_state import BootState
from provision.planning.facts import SignatureFact
from provision.planning.file_actions import MakeDirectory, MakeHardLink, RemovePath, WriteFile
from provision.planning.machine_view import Device, MountedFilesystem, PartitionTable, Signature
from provision.system.block.image_devices import Image, ImageDevices
from provision.system.machine import Machine
from tests.real.disks.loop_devices import MIB, attached, blank, left_attached, loop, mounted, table

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

SIZE = 512 * MIB
PARTS = ((1, 1, 100, "root"), (9, 110, 350, "data"))


@pytest.fixture(params=[512, 4096])
def sector(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def machine(tmp_path: Path, sector: int) -> Iterator[Machine]:
    (tmp_path / "root").mkdir()
    images = {"/dev/vda": Image(str(blank(tmp_path / "disk.img", SIZE)), sector)}
    machine = Machine(str(tmp_path / "root"), ImageDevices(images), BootState(), str(tmp_path / "run"))
    yield machine
    machine.release()
    machine.release()
    assert attached(tmp_path) == []
    assert mounted(tmp_path) == []


def make(program: str, device: str, label: str, kind: str) -> RunProgram:
    facts = (SignatureFact(device, Signature(kind, label, None)),)
    return RunProgram(f"make {kind}", (program, "-q", "-L", label, DeviceName(device)), frozenset({device}), facts)


def provisioned(machine: Machine, sector: int) -> None:
    machine.apply(WritePartitionTable("/dev/vda", table(SIZE, sector, *PARTS)))
    machine.apply(make("mkfs.ext4", "/dev/vda1", "ROOT", "ext4"))
    machine.apply(make("mkfs.xfs", "/dev/disk/by-partlabel/data", "DATA", "xfs"))
    machine.apply(Mount("/", "/dev/disk/by-label/ROOT", "ext4"))
    machine.apply(MakeDirectory("/var/data", parents=("/var",)))
    machine.apply(Mount("/var/data", "/dev/vda9", "xfs", ("noatime",)))


def test_the_machine_shows_what_was_done(machine: Machine, sector: int, tmp_path: Path) -> None:
    provisioned(machine, sector)
    assert machine.table("/dev/vda") == table(SIZE, sector, *PARTS)
    assert machine.signature("/dev/vda1")[:2] == ("ext4", "ROOT")
    assert machine.mount("/var/data") == MountedFilesystem("/var/data", "/dev/vda9", "xfs")
    assert machine.mount("/var") is None
    used = machine.device("/dev/vda9")
    assert used == Device("/dev/vda9", 350 * MIB, sector, f"/dev/vda9 is mounted at {tmp_path}/root/var/data")
    machine.apply(WriteFile("/var/data/file", (Content(b"x"),), 0o640, 12, 34))
    found = (tmp_path / "root/var/data/file").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (12, 34, 0o640)
    machine.apply(Unmount("/var/data"))
    machine.apply(Unmount("/"))
    assert mounted(tmp_path) == []


def test_a_bare_kernel_sees_the_same(machine: Machine, sector: int, tmp_path: Path) -> None:
    provisioned(machine, sector)
    machine.apply(WriteFile("/var/data/file", (Content(b"x"),)))
    machine.release()
    with loop(tmp_path / "disk.img", sector) as node:
        done = subprocess.run(["sgdisk", "--verify", node], capture_output=True, text=True, check=True)
        assert "No problems found" in done.stdout
    where = f"ro,loop,offset={110 * MIB},sizelimit={350 * MIB}"
    subprocess.run(["mount", "-o", where, tmp_path / "disk.img", tmp_path / "root"], check=True)
    assert (tmp_path / "root/file").read_bytes() == b"x"
    subprocess.run(["umount", tmp_path / "root"], check=True)


def test_partitions_that_move_get_other_loop_devices(machine: Machine, sector: int) -> None:
    provisioned(machine, sector)
    machine.apply(Unmount("/var/data"))
    machine.apply(WritePartitionTable("/dev/vda", table(SIZE, sector, PARTS[0], (9, 120, 350, "data"))))
    assert machine.signature("/dev/vda9") == Signature()
    machine.apply(make("mkfs.ext4", "/dev/vda9", "MOVED", "ext4"))
    machine.apply(Mount("/var/data", "/dev/vda9", "ext4"))
    assert machine.signature("/dev/vda1")[:2] == ("ext4", "ROOT")


def test_everything_goes_with_a_wiped_table(machine: Machine, sector: int) -> None:
    machine.apply(WritePartitionTable("/dev/vda", table(SIZE, sector, *PARTS)))
    machine.apply(WritePartitionTable("/dev/vda", PartitionTable("", sector=sector), erase=True))
    assert machine.table("/dev/vda") == PartitionTable("", sector=sector)
    assert machine.device("/dev/vda1") is None


def test_a_whole_disk_may_be_a_file_system(machine: Machine) -> None:
    machine.apply(make("mkfs.ext4", "/dev/vda", "WHOLE", "ext4"))
    machine.apply(Mount("/", "/dev/disk/by-label/WHOLE", "ext4"))
    assert machine.mount("/") == MountedFilesystem("/", "/dev/vda", "ext4")


def test_removing_stops_at_mount_points(machine: Machine, sector: int) -> None:
    provisioned(machine, sector)
    machine.apply(WriteFile("/var/data/file", (Content(b"x"),)))
    with pytest.raises(ActionFailed, match="remove /var"):
        machine.apply(RemovePath("/var"))
    assert machine.content("/var/data/file") == b"x"


def test_hard_links_do_not_cross_file_systems(machine: Machine, sector: int) -> None:
    provisioned(machine, sector)
    machine.apply(WriteFile("/var/data/file", (Content(b"x"),)))
    with pytest.raises(ActionFailed, match="hard-link /file"):
        machine.apply(MakeHardLink("/file", "/var/data/file"))


def test_a_full_disk_leaves_the_old_file(machine: Machine, sector: int) -> None:
    provisioned(machine, sector)
    machine.apply(WriteFile("/file", (Content(b"old"),)))
    with pytest.raises(ActionFailed, match="No space left"):
        machine.apply(WriteFile("/file", (Content(bytes(120 * MIB)),)))
    assert machine.content("/file") == b"old"
    assert machine.children("/") == ["file", "lost+found", "var"]


def test_a_program_that_fails_says_why(machine: Machine) -> None:
    with pytest.raises(ActionFailed, match=r"(?s)make xfs: .*size") as failed:
        machine.apply(RunProgram("make xfs", ("mkfs.xfs", "-d", "size=1k", DeviceName("/dev/vda")), frozenset()))
    assert "Traceback" not in str(failed.value)
    with pytest.raises(ActionFailed, match="not on PATH"):
        machine.apply(RunProgram("make it", ("mkfs.nothing", DeviceName("/dev/vda")), frozenset()))
    with pytest.raises(ActionFailed, match="/dev/vdb is in none of the images"):
        machine.apply(RunProgram("make it", ("mkfs.xfs", DeviceName("/dev/vdb")), frozenset()))


def test_a_disk_with_the_same_labels_stays_as_it_is(machine: Machine, sector: int, tmp_path: Path) -> None:
    twin = blank(tmp_path / "twin.img", SIZE)
    other = Machine(
        str(tmp_path), ImageDevices({"/dev/vda": Image(str(twin), sector)}), BootState(), str(tmp_path / "run")
    )
    other.apply(WritePartitionTable("/dev/vda", table(SIZE, sector, *PARTS)))
    other.apply(make("mkfs.ext4", "/dev/vda1", "ROOT", "ext4"))
    other.apply(make("mkfs.xfs", "/dev/vda9", "DATA", "xfs"))
    other.release()
    before = digest(twin)
    with loop(twin, sector) as node:
        subprocess.run(["partx", "--add", node], check=False)
        provisioned(machine, sector)
        machine.apply(WriteFile("/var/data/file", (Content(b"x"),)))
        machine.release()
    assert digest(twin) == before


def test_a_killed_process_leaves_no_loop_device_and_no_mount(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    program = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from provision.system.block.image_devices import Image, ImageDevices
        from provision.planning.boot_state import BootState
        from provision.system.machine import Machine
        from provision.system.mounts import unshare_mounts_if_allowed
        from tests.real.disks.loop_devices import blank
        from tests.real.disks.images.test_images import SIZE, provisioned
        unshare_mounts_if_allowed()
        devices = ImageDevices({{"/dev/vda": Image(str(blank(Path("{tmp_path}/disk.img"), SIZE)))}})
        provisioned(Machine("{tmp_path}/root", devices, BootState(), "{tmp_path}/run"), 512)
        print("ready", flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert len(attached(tmp_path)) == 3
        assert mounted(tmp_path) == []
        child.send_signal(signal.SIGKILL)
    assert left_attached(tmp_path) == []


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_an_image_that_somebody_works_on_is_refused(machine: Machine, tmp_path: Path) -> None:
    with loop(tmp_path / "disk.img") as node, pytest.raises(ActionFailed, match=f"is in use by {node}"):
        machine.apply(make("mkfs.ext4", "/dev/vda", "ROOT", "ext4"))
    machine.apply(make("mkfs.ext4", "/dev/vda", "ROOT", "ext4"))


def test_actions_of_a_wave_run_side_by_side(machine: Machine, sector: int) -> None:
    parts = tuple((number, 1 + 20 * number, 20, f"p{number}") for number in range(1, 17))
    machine.apply(WritePartitionTable("/dev/vda", table(SIZE, sector, *parts)))
    makers = [make("mkfs.ext4", f"/dev/disk/by-partlabel/p{number}", f"L{number}", "ext4") for number in range(1, 17)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(machine.apply, makers))
        seen = pool.map(lambda number: machine.signature(f"/dev/disk/by-label/L{number}").label, range(1, 17))
    assert list(seen) == [f"L{number}" for number in range(1, 17)]


def test_others_take_loop_devices_at_the_same_time(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys
        from provision.system.block.loops import Loop
        for _ in range(30):
            loops = [Loop(sys.argv[1], n << 20, 1 << 20, 512) for n in range(4)]
            assert len({loop.node for loop in loops}) == 4
            for loop in loops:
                loop.detach()
    """)
    images = [str(blank(tmp_path / f"{number}.img", 8 * MIB)) for number in range(4)]
    children = [subprocess.Popen([sys.executable, "-c", program, image]) for image in images]
    assert [child.wait() for child in children] == [0, 0, 0, 0]
