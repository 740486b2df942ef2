"""Whether the content of a root file system can be kept, and what an interrupted boot has made already."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.boot.root.keeping import check, derives_with_memory, root_keeping, settled
from provision.boot.root.replacement import Replacement
from provision.config.format import Clevis, Config, Disk, Filesystem, Luks, Storage
from provision.engine.execution import Engine
from provision.engine.preflight import simulate
from provision.failures import Failure
from provision.fetch.resources import Fetcher
from provision.log import silent
from provision.planning.boot_state import BootState
from provision.planning.machine_view import Device, Signature
from provision.stages import load_stage
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.real.disks.loop_devices import MIB, blank, loop
from tests.recorded_log import RecordedLog
from tests.stages.world import World

LABEL = "/dev/disk/by-label/root"
NEW = Signature("xfs", "root")
FOUND = Replacement(
    LABEL, Device("/dev/vda", 1), Signature("ext4", "root"), lost=True, new=Device("/dev/vdb", 1), made=NEW
)


def test_a_root_that_can_be_kept() -> None:
    check(FOUND, "", "")
    check(FOUND, "noatime", "xfs,ext4")
    check(FOUND._replace(name="/dev/disk/by-partlabel/root", lost=False), "", "")


@pytest.mark.parametrize(
    ("found", "options", "formats", "why"),
    [
        (
            FOUND._replace(new=None, made=None),
            "",
            "",
            "erases the root file system /dev/vda, and makes no other one as",
        ),
        (FOUND._replace(lost=False), "", "", "would name two file systems: /dev/vdb, and /dev/vda, which stays"),
        (FOUND, "compress,subvol=root", "", "is a subvolume"),
        (FOUND, "", "ext4", "rootfstype=ext4, and the config makes xfs"),
    ],
)
def test_a_root_that_would_not_start_is_refused(found: Replacement, options: str, formats: str, why: str) -> None:
    with pytest.raises(Failure, match=why):
        check(found, options, formats)


def test_the_kernel_argument() -> None:
    known = root_keeping(Config(), "root=LABEL=root provision.root=new", silent)
    assert known is not None
    assert known.name == LABEL
    conf = Config(storage=Storage(filesystems=(Filesystem(device="/dev/vda", format="xfs", label="root"),)))
    unwanted = root_keeping(conf, "root=LABEL=root provision.root=new", silent)
    assert unwanted is not None
    assert unwanted.settled(World().with_device("/dev/vda", 1, LABEL, signature=FOUND.found)) is conf
    assert root_keeping(Config(), "root=nfs", silent) is None
    with pytest.raises(Failure, match=r"provision\.root=no is unknown"):
        root_keeping(Config(), "root=LABEL=root provision.root=no", silent)


def test_what_an_interrupted_boot_has_made_stays() -> None:
    storage = Storage(
        disks=(Disk(device="/dev/vda", wipe_table=True),),
        luks=(
            Luks(name="crypt", device="/dev/vda1", wipe_volume=True, clevis=Clevis(tpm2=True)),
            Luks(name="data", device="/dev/vda2", wipe_volume=True),
        ),
        filesystems=(
            Filesystem(device="/dev/mapper/crypt", format="ext4", label="root", wipe_filesystem=True),
            Filesystem(device="/dev/mapper/data", format="ext4", wipe_filesystem=True),
        ),
    )
    left = settled(Config(storage=storage), LABEL).storage
    assert [volume.name for volume in left.luks] == ["data"]
    assert [one.wipe_filesystem for one in left.filesystems] == [False, True]
    assert not left.disks[0].wipe_table


HELPER = """\
#!/bin/sh
echo "$PROVISION_KARGS_REBOOT $*" >>"$KARGS"
"""


@pytest.mark.disks
def test_a_boot_keeps_the_content_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The boot after one that was interrupted leaves the root as it is, and only names the arguments again."""
    (tmp_path / "ignition-kargs-helper").write_text(HELPER)
    (tmp_path / "ignition-kargs-helper").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("KARGS", str(tmp_path / "arguments"))
    monkeypatch.setenv("PROVISION_KARGS_REBOOT", "yes")
    tree = tmp_path / "tree/usr/lib"
    tree.mkdir(parents=True)
    (tree / "os-release").write_text("ID=test\n")
    with loop(blank(tmp_path / "disk", 400 * MIB)) as node:
        subprocess.run(["mkfs.ext4", "-q", "-L", "root", "-d", tmp_path / "tree", node], check=True)
        entry = Filesystem(device=node, format="xfs", label="root", wipe_filesystem=True, mount_options=("noatime",))
        config = Config(storage=Storage(filesystems=(entry,)))
        assert [boot(config, f"root={node}") for _ in range(2)] == [
            ["wipe", "make", "restored"],
            ["keep", "an interrupted boot has made the root file system already"],
        ]
        subprocess.run(["mount", "-o", "ro", node, tmp_path / "tree"], check=True)
        try:
            assert (tree / "os-release").read_text() == "ID=test\n"
        finally:
            subprocess.run(["umount", tmp_path / "tree"], check=True)
    assert (tmp_path / "arguments").read_text() == "no --should-exist rootflags=noatime\n" * 2


def boot(config: Config, command_line: str) -> list[str]:
    """The disks stage of a boot: the first words of its steps, and of its messages about the content."""
    told = RecordedLog()
    keeping = root_keeping(config, command_line, told)
    assert keeping is not None
    machine = Machine("/", KernelDevices(), BootState(seed="test"))
    try:
        left = keeping.settled(machine)
        stage = load_stage("disks")
        steps = simulate([stage], left, machine, lambda _: None)
        with keeping.during(left, steps, machine):
            Engine(machine, Fetcher(), lambda _: None).run(stage, left)
    finally:
        machine.release()
    words = [step.action.title.split()[0] for step in steps]
    messages = [message for _, message in told.lines]
    return (
        words
        + ["restored" for one in messages if one.startswith("restoring")]
        + [one.removeprefix("disks: ") for one in messages if "interrupted" in one]
    )


def test_volumes_that_need_much_memory() -> None:
    def made_with(*options: str) -> bool:
        return derives_with_memory(
            Config(storage=Storage(luks=(Luks(name="crypt", device="/dev/vda", options=options),)))
        )

    assert made_with()
    assert made_with("--pbkdf", "argon2id")
    assert not made_with("--pbkdf", "pbkdf2")
    assert not made_with("--pbkdf=pbkdf2")
    assert not derives_with_memory(Config())
