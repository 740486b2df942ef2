"""Whether the content of a root file system can be kept, and what an interrupted boot has made already."""

from __future__ import annotations

import pytest

from provision.boot.root.keeping import check, derives_with_memory, root_keeping, settled
from provision.boot.root.replacement import Replacement
from provision.config.format import Clevis, Config, Disk, Filesystem, Luks, Storage
from provision.failures import Failure
from provision.log import silent
from provision.planning.machine_view import Device, Signature

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
