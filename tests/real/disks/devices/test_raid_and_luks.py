"""RAID arrays and encrypted volumes on a kernel that has md and dm-crypt, with real tang servers and a software TPM."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from provision.config.format import (
    Clevis,
    ClevisCustom,
    Config,
    Disk,
    Filesystem,
    Luks,
    Partition,
    Raid,
    Resource,
    Storage,
    Tang,
)
from provision.engine.execution import Engine
from provision.engine.preflight import Step, preflight
from provision.failures import Failure, PlanRefused
from provision.fetch.resources import Fetcher
from provision.planning.actions import Action, UpdateBootState
from provision.planning.boot_state import BootState
from provision.planning.stage import Stage
from provision.stages import disks
from provision.stages.files import crypttab
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.real.tang import TANGD, serving_tang, thumbprint
from tests.stages.world import MIB, changes

FAST = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
"""Deriving keys slowly is cryptsetup's business."""

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices"),
    pytest.mark.skipif(not Path("/dev/mapper/control").exists(), reason="the kernel has no device mapper"),
    pytest.mark.skipif(not Path("/sys/module/dm_crypt").exists(), reason="the kernel has no dm-crypt"),
]
needs_md = pytest.mark.skipif(not Path("/proc/mdstat").exists(), reason="the kernel has no md")


class Computer:
    """Two disks, a target root, and the state of one boot."""

    def __init__(self, tmp_path: Path, disks: tuple[str, str]) -> None:
        self.disks = disks
        self.root = tmp_path / "root"
        (self.root / "etc").mkdir(parents=True)
        self.state = BootState(seed=f"seed of {tmp_path}")
        self._run_dir = tmp_path / "run"

    def apply(self, config: Config, stage: Stage = disks.STAGE) -> list[Action]:
        """Preflight and carry out a stage. Returns the actions done on the machine."""
        machine = Machine(str(self.root), KernelDevices(wait_seconds=10), self.state, run_dir=str(self._run_dir))
        done: list[Step] = []
        try:
            preflight([stage], config, machine, machine)
            Engine(machine, Fetcher(), done.append).run(stage, config)
        finally:
            self.state = machine.boot_state()
            machine.release()
        return [
            action
            for action in changes([tuple(step.action for step in done)])
            if not isinstance(action, UpdateBootState)
        ]

    def crypttab(self, config: Config) -> str:
        """Run the part of the files stage that is about volumes. Returns what it wrote."""
        self.apply(config, Stage("files", (crypttab.plan,)))
        return (self.root / "etc/crypttab").read_text(encoding="utf-8")


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    loops = []
    for name in ("a", "b"):
        image = tmp_path / f"{name}.img"
        with image.open("wb") as file:
            file.truncate(300 * MIB)
        command = ["losetup", "--find", "--show", "--partscan", str(image)]
        loops.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    try:
        yield Computer(tmp_path, (loops[0], loops[1]))
    finally:
        switch_off()
        for loop in loops:
            subprocess.run(["losetup", "--detach", loop], check=False)


def switch_off() -> None:
    """Close and stop everything, as after a restart."""
    for name in ("testsafe", "testother"):
        subprocess.run(["cryptsetup", "luksClose", name], check=False, capture_output=True)
    subprocess.run(["mdadm", "--stop", "--scan"], check=False, capture_output=True)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def volume(device: str, **changed: object) -> Luks:
    plain = Luks(name="testsafe", device=device, options=FAST, key_file=Resource(source="data:,the-passphrase"))
    return plain.changed(**changed)


def filesystem(device: str = "/dev/mapper/testsafe") -> Filesystem:
    return Filesystem(device=device, format="ext4", label="testsafe")


def config(*volumes: Luks, **storage: object) -> Config:
    given = Storage(luks=volumes, filesystems=tuple(filesystem(f"/dev/mapper/{one.name}") for one in volumes))
    return Config(storage=given.changed(**storage))


def divide(computer: Computer, *disks: str) -> None:
    """Put a partition on disks."""
    part = (Partition(number=1, label="testpart", size_mib=50),)
    computer.apply(Config(storage=Storage(disks=tuple(Disk(device=disk, partitions=part) for disk in disks))))


class TestLuks:
    def test_make_persist_and_reuse(self, computer: Computer) -> None:
        device = computer.disks[0]
        wanted = config(volume(device, label="testlabel", discard=True))
        titles = [action.title for action in computer.apply(wanted)]
        assert titles == [
            "fetch the key of testsafe",
            f"make LUKS volume testsafe on {device}",
            "open testsafe",
            "make ext4 'testsafe' on /dev/mapper/testsafe",
        ]
        uuid = run("cryptsetup", "luksUUID", device).strip()
        assert computer.crypttab(wanted) == f"testsafe UUID={uuid} /etc/luks/testsafe luks,x-initrd.attach\n"
        key = computer.root / "etc/luks/testsafe"
        assert (key.read_text(encoding="utf-8"), oct(key.stat().st_mode & 0o777)) == ("the-passphrase", "0o600")
        switch_off()
        assert [action.title for action in computer.apply(wanted)] == [
            "fetch the key of testsafe",
            f"open testsafe, reusing the volume on {device}",
        ]
        assert [action.title for action in computer.apply(wanted)][1:] == ["test the key of testsafe, which is open"]

    def test_a_disk_with_partitions_is_taken_whole(self, computer: Computer) -> None:
        disk = computer.disks[0]
        divide(computer, disk)
        wipe = computer.apply(config(volume(disk)))[1]
        assert (wipe.title, wipe.destroys) == (f"wipe {disk}", "a gpt table, partition 1 'testpart' (50 MiB)")
        assert run("lsblk", "--noheadings", "--output", "TYPE", disk).split() == ["loop", "crypt"]
        assert [action.title for action in computer.apply(config(volume(disk)))][1:] == [
            "test the key of testsafe, which is open"
        ]

    def test_a_wrong_key(self, computer: Computer) -> None:
        computer.apply(config(volume(computer.disks[0])))
        switch_off()
        wrong = volume(computer.disks[0], key_file=Resource(source="data:,wrong-passphrase"))
        with pytest.raises(Failure, match="No key available with this passphrase") as caught:
            computer.apply(config(wrong))
        assert "wrong-passphrase" not in str(caught.value)

    def test_what_may_not_be_reused(self, computer: Computer) -> None:
        computer.apply(config(volume(computer.disks[0])))
        switch_off()
        for changed, why in (
            ({"discard": True}, "allow-discards flag false"),
            ({"key_file": Resource()}, "config must specify keyfile"),
            ({"label": "x"}, "volume label"),
        ):
            with pytest.raises(PlanRefused, match=why):
                computer.apply(config(volume(computer.disks[0], **changed)))

    def test_luks1_is_left_alone(self, computer: Computer) -> None:
        subprocess.run(
            [
                "cryptsetup",
                "luksFormat",
                "--batch-mode",
                "--type",
                "luks1",
                "--key-file",
                "-",
                *FAST,
                computer.disks[0],
            ],
            input=b"x",
            check=True,
        )
        with pytest.raises(PlanRefused, match="not luks2"):
            computer.apply(config(volume(computer.disks[0])))
        computer.apply(config(volume(computer.disks[0], wipe_volume=True)))

    def test_a_made_key_opens_it_later(self, computer: Computer) -> None:
        wanted = config(volume(computer.disks[0], key_file=Resource()))
        computer.apply(wanted)
        computer.crypttab(wanted)
        key = computer.root / "etc/luks/testsafe"
        assert len(key.read_bytes()) == 8192
        run("cryptsetup", "luksOpen", "--test-passphrase", computer.disks[0], "--key-file", str(key))

    def test_two_volumes(self, computer: Computer) -> None:
        first, second = computer.disks
        wanted = config(volume(first), volume(second, name="testother", open_options=("--perf-same_cpu_crypt",)))
        wanted = wanted.changed(storage=wanted.storage.changed(filesystems=()))
        computer.apply(wanted)
        assert "same-cpu-crypt" in run("cryptsetup", "luksDump", second)
        assert len(computer.crypttab(wanted).splitlines()) == 2


@needs_md
class TestRaid:
    def test_a_mirror_with_a_volume_on_it(self, computer: Computer) -> None:
        storage = Storage(
            disks=tuple(
                Disk(device=disk, partitions=(Partition(number=1, label=f"testmirror{index}"),))
                for index, disk in enumerate(computer.disks)
            ),
            raid=(
                Raid(
                    name="testmirror",
                    level="raid1",
                    devices=("/dev/disk/by-partlabel/testmirror0", "/dev/disk/by-partlabel/testmirror1"),
                ),
            ),
            luks=(volume("/dev/md/testmirror"),),
            filesystems=(filesystem(),),
        )
        computer.apply(Config(storage=storage))
        assert "raid1" in run("mdadm", "--detail", "/dev/md/testmirror")
        assert "testsafe" in run("lsblk", "-o", "LABEL", computer.disks[0])
        again = [action.title for action in computer.apply(Config(storage=storage))]
        assert again == ["fetch the key of testsafe", "test the key of testsafe, which is open"]
        switch_off()
        again = [action.title for action in computer.apply(Config(storage=storage))]
        assert again[-2:] == [
            "fetch the key of testsafe",
            "open testsafe, reusing the volume on /dev/md/testmirror",
        ]

    @pytest.mark.parametrize(
        ("level", "spares", "options"),
        [("raid0", 0, ()), ("raid1", 1, ()), ("linear", 0, ()), ("raid1", 0, ("--metadata=0.90",))],
    )
    def test_levels(self, computer: Computer, level: str, spares: int, options: tuple[str, ...]) -> None:
        array = Raid(name="testlevel", level=level, devices=computer.disks, spares=spares, options=options)
        conf = Config(storage=Storage(raid=(array,), filesystems=(filesystem("/dev/md/testlevel"),)))
        computer.apply(conf)
        assert computer.apply(conf) == []

    @pytest.mark.parametrize("metadata", ["1.2", "1.0", "0.90"])
    def test_an_old_array_does_not_come_back_under_a_new_table(self, computer: Computer, metadata: str) -> None:
        """udev would assemble it as soon as it saw the partitions."""
        storage = Storage(
            disks=tuple(
                Disk(device=disk, wipe_table=True, partitions=(Partition(number=1, label=f"testold{index}"),))
                for index, disk in enumerate(computer.disks)
            ),
            raid=(
                Raid(
                    name="testold",
                    level="raid1",
                    devices=tuple(f"/dev/disk/by-partlabel/testold{index}" for index in range(2)),
                    options=(f"--metadata={metadata}",),
                ),
            ),
            filesystems=(filesystem("/dev/md/testold").changed(wipe_filesystem=True),),
        )
        for seed in ("one", "other"):
            computer.state = computer.state._replace(seed=seed)
            computer.apply(Config(storage=storage))
            assert "raid1" in run("mdadm", "--detail", "/dev/md/testold")
            switch_off()

    def test_disks_with_partitions_are_taken_whole(self, computer: Computer) -> None:
        divide(computer, *computer.disks)
        array = Raid(name="testwhole", level="raid1", devices=computer.disks, options=("--metadata=1.2",))
        conf = Config(storage=Storage(raid=(array,)))
        done = computer.apply(conf)
        assert [action.destroys for action in done] == [*["a gpt table, partition 1 'testpart' (50 MiB)"] * 2, ""]
        assert run("lsblk", "--noheadings", "--output", "TYPE", computer.disks[0]).split() == ["loop", "raid1"]
        assert computer.apply(conf) == []

    def test_an_array_that_is_there_is_refused(self, computer: Computer) -> None:
        array = Raid(name="testlevel", level="raid1", devices=computer.disks)
        computer.apply(Config(storage=Storage(raid=(array,))))
        computer.state = computer.state._replace(seed="another provisioning")
        with pytest.raises(PlanRefused, match="an array /dev/md/testlevel exists already"):
            computer.apply(Config(storage=Storage(raid=(array,))))


@pytest.mark.skipif(shutil.which("kpartx") is None, reason="kpartx is not installed")
def test_a_device_mapper_disk(computer: Computer) -> None:
    """A disk as multipath makes it: its partitions are mappings, found by the name of the disk."""
    table = f"0 {300 * MIB // 512} linear {computer.disks[0]} 0"
    run("dmsetup", "create", "testpath", "--table", table)
    parts = (Partition(number=1, label="testone", size_mib=100), Partition(number=2, label="testtwo"))
    disk = Disk(device="/dev/mapper/testpath", partitions=parts)
    second = filesystem("/dev/disk/by-id/dm-name-testpathp2")
    try:
        conf = Config(storage=Storage(disks=(disk,), filesystems=(second,)))
        assert len(computer.apply(conf)) == 2
        assert computer.apply(conf) == []
        grown = disk.changed(partitions=(parts[0], Partition(number=2, should_exist=False, wipe_partition_entry=True)))
        computer.apply(Config(storage=Storage(disks=(grown,))))
        assert not Path("/dev/mapper/testpathp2").exists()
    finally:
        for name in ("testpathp1", "testpathp2", "testpath"):
            subprocess.run(["dmsetup", "remove", "--retry", name], check=False, capture_output=True)


@pytest.fixture
def tang(tmp_path: Path) -> Iterator[str]:
    """The URL of a real tangd on loopback."""
    if not Path(TANGD).exists():
        pytest.skip("tangd is not installed")
    with serving_tang(tmp_path / "tang") as port:
        yield f"http://127.0.0.1:{port}"


def free_pair() -> int:
    """A free port whose next port is free, too: libtss2-tcti-swtpm uses the next one for control.

    Both lie below the kernel's range of automatic ports, so that no other program gets one of them in between.
    """
    for port in range(20000 + os.getpid() % 1000 * 2, 32000, 2):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            socket.create_server(("127.0.0.1", port + 1)).close()
            return port
    raise AssertionError("no two free ports")


@pytest.fixture
def tpm2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A software TPM where clevis looks for one."""
    if shutil.which("swtpm") is None or shutil.which("clevis-encrypt-tpm2") is None:
        pytest.skip("swtpm or clevis-tpm2 is not installed")
    state = tmp_path / "tpm"
    state.mkdir()
    port = free_pair()
    where = ["--tpmstate", f"dir={state}", "--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={port + 1}"]
    command = ["swtpm", "socket", "--tpm2", *where, "--flags", "not-need-init,startup-clear"]
    with subprocess.Popen(command) as process:
        monkeypatch.setenv("TPM2TOOLS_TCTI", f"swtpm:host=127.0.0.1,port={port}")
        yield
        process.terminate()


@pytest.mark.skipif(shutil.which("clevis") is None, reason="clevis is not installed")
class TestClevis:
    def test_tang(self, computer: Computer, tang: str, tmp_path: Path) -> None:
        clevis = Clevis(tang=(Tang(url=tang, thumbprint=thumbprint(tmp_path / "tang")),))
        wanted = config(volume(computer.disks[0], key_file=Resource(), clevis=clevis))
        titles = [action.title for action in computer.apply(wanted)]
        assert "open testsafe with clevis" in titles
        dump = run("cryptsetup", "luksDump", computer.disks[0])
        assert "clevis" in dump
        assert dump.count(": luks2") == 1, "the key that was made is gone"
        assert "none luks,_netdev,x-initrd.attach" in computer.crypttab(wanted)
        assert not (computer.root / "etc/luks/testsafe").exists()

    def test_tang_by_advertisement(self, computer: Computer, tang: str, tmp_path: Path) -> None:
        advertisement = run("curl", "--silent", f"{tang}/adv")
        known = Tang(url="http://127.0.0.1:1", thumbprint=thumbprint(tmp_path / "tang"), advertisement=advertisement)
        wanted = config(volume(computer.disks[0], key_file=Resource(), clevis=Clevis(tang=(known,))))
        assert not any(action.title.endswith("with clevis") for action in computer.apply(wanted))

    def test_a_wrong_thumbprint(self, computer: Computer, tang: str) -> None:
        clevis = Clevis(tang=(Tang(url=tang, thumbprint="A" * 43),))
        with pytest.raises(Failure, match="bind testsafe with clevis"):
            computer.apply(config(volume(computer.disks[0], clevis=clevis)))

    @pytest.mark.usefixtures("tpm2")
    def test_tpm2(self, computer: Computer) -> None:
        wanted = config(volume(computer.disks[0], key_file=Resource(), clevis=Clevis(tpm2=True)))
        titles = [action.title for action in computer.apply(wanted)]
        assert "open testsafe with clevis" in titles
        assert "none luks,x-initrd.attach" in computer.crypttab(wanted)

    @pytest.mark.usefixtures("tpm2")
    def test_a_pin_in_its_own_words(self, computer: Computer, tang: str, tmp_path: Path) -> None:
        pins = {"tpm2": {}, "tang": {"url": tang, "thp": thumbprint(tmp_path / "tang")}}
        custom = ClevisCustom(pin="sss", config=json.dumps({"t": 2, "pins": pins}), needs_network=True)
        wanted = config(volume(computer.disks[0], clevis=Clevis(custom=custom)))
        computer.apply(wanted)
        switch_off()
        run("clevis", "luks", "unlock", "-d", computer.disks[0], "-n", "testsafe")
        assert "none luks,_netdev,x-initrd.attach" in computer.crypttab(wanted)
