"""What the kernel command line says of first boots."""

from __future__ import annotations

import pytest

from provision.boot.first_boot_arguments import (
    EFIVAR,
    Verdict,
    durable_root,
    may_replace_record,
    named_platform,
    platform,
    record_device,
    root_device,
    verdict,
    wait_seconds,
)
from provision.boot.records.completion_record import RECORD, SHARED_RECORD, record_places
from provision.failures import Failure


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("root=LABEL=root rw", Verdict.LATER),
        ("ignition.firstboot", Verdict.FIRST),
        ("ignition.firstboot=1", Verdict.FIRST),
        ("ignition.firstboot=0", Verdict.LATER),
        ("ignition.firstboot=off", Verdict.LATER),
        ("ignition.firstboot=", Verdict.LATER),
        ("provision.firstboot=auto", Verdict.LOOK),
        ("provision.firstboot=auto provision.firstboot=no", Verdict.LATER),
        ("provision.firstboot=auto ignition.firstboot=1", Verdict.FIRST),
        ("provision.firstboot=auto ignition.firstboot=0", Verdict.LOOK),
        ("not.ignition.firstboot", Verdict.LATER),
        ("coreos.first_boot=1", Verdict.FIRST),
        ("flatcar.first_boot=1", Verdict.FIRST),
        ("flatcar.first_boot=detected", Verdict.FIRST),
        ("flatcar.first_boot=0", Verdict.LATER),
        ("flatcar.first_boot", Verdict.LATER),
    ],
)
def test_verdict(command_line: str, expected: Verdict) -> None:
    assert verdict(command_line) is expected


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("provision.firstboot=auto", False),
        ("ignition.firstboot", False),
        ("provision.firstboot=auto ignition.firstboot", True),
        ("provision.firstboot=auto provision.firstboot.record=ignore", True),
        ("provision.firstboot=auto provision.firstboot.record=keep", False),
        ("provision.firstboot=auto ignition.firstboot provision.reset=yes", False),
    ],
)
def test_only_a_first_boot_that_a_person_asked_for_looks_for_an_earlier_record(
    command_line: str, expected: bool
) -> None:
    assert may_replace_record(command_line, verdict(command_line)) is expected


def test_a_typing_error_is_not_taken_for_a_later_boot() -> None:
    with pytest.raises(Failure, match=r"provision\.firstboot=always"):
        verdict("provision.firstboot=always")


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("root=LABEL=root", "/dev/disk/by-label/root"),
        ("root=LABEL=my/root", r"/dev/disk/by-label/my\x2froot"),
        ("root=UUID=1234-abcd", "/dev/disk/by-uuid/1234-abcd"),
        ("root=PARTLABEL=ROOT", "/dev/disk/by-partlabel/ROOT"),
        ("root=PARTUUID=00-01", "/dev/disk/by-partuuid/00-01"),
        ("root=/dev/vda1", "/dev/vda1"),
        ("root=block:/dev/vda1", "/dev/vda1"),
        ("root=/dev/vda1 root=/dev/vda2", "/dev/vda2"),
        ("quiet", "/dev/gpt-auto-root"),
        ("root=gpt-auto-force", "/dev/gpt-auto-root"),
        ('root="LABEL=my root" rw', r"/dev/disk/by-label/my\x20root"),
        ("root=/dev/vda1 dyndbg='file a.c root=/dev/vdb'", "/dev/vda1"),
    ],
)
def test_root_device(command_line: str, expected: str) -> None:
    assert root_device(command_line) == expected


@pytest.mark.parametrize("root", ["tmpfs", "nfs:10.0.0.1:/root", "/dev/nfs", "live:CDLABEL=x"])
def test_a_root_that_can_hold_no_record_is_refused(root: str) -> None:
    with pytest.raises(Failure, match="not a block device"):
        root_device(f"root={root}")


@pytest.mark.parametrize("argument", ["systemd.volatile=no", "systemd.volatile=state"])
def test_a_root_that_stays_can_have_the_record(argument: str) -> None:
    assert durable_root(f"root=/dev/vda1 {argument}") == "/dev/vda1"


def test_a_record_is_looked_for_in_the_root_as_systemd_mounts_it() -> None:
    """Of several rootflags= all count. Without its subvolume a machine in use would have no record."""
    both = [(RECORD, ("compress=zstd", "subvol=@", "noatime")), (RECORD, ())]
    assert [*record_places("rootflags=compress=zstd,subvol=@ rootflags=noatime")] == both
    assert [*record_places("rootflags=subvolid=257")] == [(RECORD, ("subvolid=257",)), (RECORD, ())]
    assert [*record_places("root=LABEL=root rootflags=")] == [(RECORD, ())]
    shared = f"/ostree/deploy/debian{SHARED_RECORD}"
    assert [*record_places(f"{OSTREE} rootflags=subvol=root")] == [(shared, ("subvol=root",)), (shared, ())]
    assert [*record_places("rootflags=subvol=@ provision.firstboot.device=LABEL=x")] == [
        ("/.provision-complete.json", ())
    ]


def test_platform() -> None:
    assert platform("ignition.platform.id=qemu") == "qemu"
    for command_line in ("quiet", "ignition.platform.id=$(reboot)"):
        with pytest.raises(Failure, match="platform"):
            platform(command_line)


def test_wait_seconds() -> None:
    assert wait_seconds("quiet") == 30
    assert wait_seconds("rd.luks.name=5ca1ab1e-0000-4000-8000-000000000001=root") == 180
    assert wait_seconds("rd.md.uuid=1:2:3:4 provision.firstboot.wait=5") == 5
    assert wait_seconds("provision.firstboot.wait=0") == 0
    assert wait_seconds("root=LABEL=root netroot=iscsi:@10.0.0.1::::iqn.2026-11.example:root") == 180
    for text in ("soon", "nan", "inf", "-1"):
        with pytest.raises(Failure, match=text):
            wait_seconds(f"provision.firstboot.wait={text}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PLATFORM_ID=qemu\n", "qemu"),
        ('OEM_ID=ami\nPLATFORM_ID="aws"\n', "aws"),
        ("PLATFORM_ID=metal\nPLATFORM_ID=qemu", "qemu"),
        ("PLATFORM_ID=\n", ""),
        ("", ""),
    ],
)
def test_a_platform_that_the_distribution_has_written(text: str, expected: str) -> None:
    assert named_platform(text) == expected


def test_a_written_platform_that_is_no_name_is_refused() -> None:
    with pytest.raises(Failure, match=r"/run/ignition\.env"):
        named_platform("PLATFORM_ID=$(reboot)\n")


OSTREE = "root=LABEL=root ostree=/ostree/boot.1/debian/e748/0"


@pytest.mark.parametrize(
    ("command_line", "device", "path"),
    [
        ("root=LABEL=root", "", RECORD),
        ("root=LABEL=a provision.firstboot.device=LABEL=data", "/dev/disk/by-label/data", "/.provision-complete.json"),
        ("provision.firstboot.device=/dev/vda3", "/dev/vda3", "/.provision-complete.json"),
        (OSTREE, "/dev/disk/by-label/root", f"/ostree/deploy/debian{SHARED_RECORD}"),
        (f"{OSTREE} provision.firstboot.device=LABEL=x", "/dev/disk/by-label/x", "/.provision-complete.json"),
        ("root=LABEL=root ostree=/elsewhere", "", RECORD),
        ("root=LABEL=root ostree=/ostree/boot.1/../e748/0", "", RECORD),
    ],
)
def test_place_of_the_record(command_line: str, device: str, path: str) -> None:
    assert record_device(command_line) == device
    assert [*record_places(command_line)] == [(path, ())]


@pytest.mark.parametrize("root", ["root=tmpfs", "root=LABEL=root", OSTREE])
def test_the_firmware_can_have_the_record_whatever_the_root_is(root: str) -> None:
    assert record_device(f"{root} provision.firstboot.device=efivar") == EFIVAR


def test_a_device_that_is_none_is_refused() -> None:
    with pytest.raises(Failure, match="data is not a block device"):
        record_device("provision.firstboot.device=data")
