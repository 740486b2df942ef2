"""What is under a root file system of a config, and the kernel arguments for it."""

from __future__ import annotations

import pytest

from provision.boot.root.layers import check_layers, kernel_arguments, layers, root_entries, root_flags
from provision.config.format import Clevis, Config, Filesystem, Luks, Raid, Storage, Tang
from provision.failures import PlanRefused
from provision.planning.machine_view import Signature
from tests.stages.world import World, told

ARRAY = Raid(name="root", level="raid1", devices=("/dev/vda1", "/dev/vdb1"))
TANG = Clevis(tang=(Tang(url="http://tang", thumbprint="x"),))
MEMBER = Signature("linux_raid_member", "any:root", "01234567-89ab-cdef-0123-456789abcdef")
VOLUME = Signature("crypto_LUKS", "", "5ca1ab1e-0000-4000-8000-000000000001")


def config(*, clevis: Clevis | None = None, device: str = "/dev/md/root") -> Config:
    """A root file system on a volume, on an array."""
    volume = Luks(name="crypt", device=device, clevis=clevis or Clevis())
    return Config(
        storage=Storage(
            raid=(ARRAY,),
            luks=(volume,),
            filesystems=(Filesystem(device="/dev/mapper/crypt", format="ext4", label="root", wipe_filesystem=True),),
        )
    )


def machine(*lacking: str) -> World:
    found = World(lacking=lacking).with_device("/dev/vda1", signature=MEMBER)
    return found.with_device("/dev/md127", 1 << 30, "/dev/md/root", signature=VOLUME)


def test_root_entries_have_the_name_of_the_root() -> None:
    conf = config()
    for name in ("/dev/disk/by-label/root", "/dev/mapper/crypt"):
        assert [index for index, _ in root_entries(conf, name)] == [0]
    assert root_entries(conf, "/dev/disk/by-label/other") == []
    uuid = Filesystem(device="/dev/vda", format="xfs", uuid="ABCD")
    assert len(root_entries(Config(storage=Storage(filesystems=(uuid,))), "/dev/disk/by-uuid/abcd")) == 1


def test_layers_come_from_the_top() -> None:
    assert [path for path, _ in layers(config(), "/dev/mapper/crypt")] == [
        ("storage", "luks", 0),
        ("storage", "raid", 0),
    ]
    assert layers(config(), "/dev/vda1") == []


@pytest.mark.parametrize(
    ("clevis", "more"),
    [
        (Clevis(tpm2=True), []),
        (TANG, ["rd.neednet=1", f"rd.luks.options={VOLUME.uuid}=_netdev"]),
    ],
)
def test_arguments_start_every_layer(clevis: Clevis, more: list[str]) -> None:
    found = kernel_arguments(config(clevis=clevis), "/dev/mapper/crypt", machine(), "")
    assert found == ["rd.md.uuid=01234567:89abcdef:01234567:89abcdef", f"rd.luks.name={VOLUME.uuid}=crypt", *more]


def test_arrays_that_start_by_themselves_need_no_argument() -> None:
    assert kernel_arguments(config(), "/dev/md/root", machine(), "rd.auto=1") == []
    assert kernel_arguments(config(), "/dev/md/root", machine(), "rd.auto") == []
    assert len(kernel_arguments(config(), "/dev/md/root", machine(), "rd.auto=0")) == 1


def refused(conf: Config, view: World, command_line: str = "") -> list[str]:
    with pytest.raises(PlanRefused) as caught:
        check_layers(conf, conf.storage.filesystems[0].device, view, command_line)
    return told(caught.value)


def test_a_root_that_no_later_boot_could_start_is_refused() -> None:
    (why,) = refused(config(), machine())
    assert why.startswith("storage.luks[0]: nobody could open the root file system: its key would be in it; bind")
    (why,) = refused(config(clevis=TANG), machine("ignition-kargs-helper"), "rd.auto")
    assert "kernel arguments to start it, and ignition-kargs-helper is not on PATH" in why
    check_layers(config(clevis=TANG), "/dev/mapper/crypt", machine(), "")
    check_layers(config(), "/dev/md/root", machine("ignition-kargs-helper"), "rd.auto")
    check_layers(config(), "/dev/vda9", machine("ignition-kargs-helper"), "")


def test_mount_options_of_a_root_that_is_made_are_arguments() -> None:
    entry = Filesystem(device="/dev/vda", format="xfs", mount_options=("noatime", "prjquota"), wipe_filesystem=True)
    assert root_flags(entry, World()) == ["rootflags=noatime,prjquota"]
    assert root_flags(entry, World(lacking=["ignition-kargs-helper"])) == []
    assert root_flags(entry.changed(wipe_filesystem=False), World()) == []
    assert root_flags(entry.changed(mount_options=()), World()) == []
